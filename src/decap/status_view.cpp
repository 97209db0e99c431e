// SPDX-License-Identifier: Apache-2.0
#include "status_view.h"

#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace guideway::decap {
namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
std::vector<std::string> texts(const std::vector<Value>& values) {
  std::vector<std::string> found;
  found.reserve(values.size());
  for (const Value& value : values) found.push_back(value.to_string());
  return found;
}

template <typename Value>
std::string joined(const std::vector<Value>& values) {
  std::string text;
  for (const std::string& value : texts(values)) text += " " + value;
  return text;
}

}  // namespace

std::string status_text(const std::string& device, const std::optional<Status>& status) {
  if (!status) return device + ": no decapsulator is attached\n";
  const Settings& settings = status->settings;
  std::ostringstream text;
  text << device << ": attached in " << to_string(status->mode) << " mode, program "
       << status->program_id << "\n"
       << "  tunnels " << to_string(settings.tunnels) << "; GUE port " << settings.gue_port
       << ", VXLAN port " << settings.vxlan_port << "\n"
       << "  from   " << joined(settings.from) << "\n"
       << "  vip    " << joined(settings.vips) << "\n"
       << "  local  " << joined(settings.local) << "\n\n"
       << "  PACKETS       REASON\n";
  for (std::size_t i = 0; i < status->packets.size(); ++i) {
    if (status->packets[i] == 0) continue;
    const Reason& reason = reasons()[i];
    text << "  " << std::left << std::setw(12) << status->packets[i] << "  "
         << (reason.drops ? "dropped: " : "") << reason.name << " (" << reason.help << ")\n";
  }
  return text.str();
}

std::string status_json(const std::string& device, const std::optional<Status>& status) {
  Json json{{"device", device}, {"attached", status.has_value()}};
  if (status) {
    const Settings& settings = status->settings;
    json["mode"] = to_string(status->mode);
    json["program_id"] = status->program_id;
    json["from"] = texts(settings.from);
    json["vip"] = texts(settings.vips);
    json["local"] = texts(settings.local);
    json["host"] = texts(settings.host);
    json["tunnels"] = to_string(settings.tunnels);
    json["gue_port"] = settings.gue_port;
    json["vxlan_port"] = settings.vxlan_port;
    Json packets = Json::object();
    for (std::size_t i = 0; i < status->packets.size(); ++i)
      packets[std::string(reasons()[i].name)] = status->packets[i];
    json["packets"] = packets;
  }
  return json.dump() + "\n";
}

}  // namespace guideway::decap
