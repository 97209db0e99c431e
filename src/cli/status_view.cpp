// SPDX-License-Identifier: Apache-2.0
#include "status_view.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "guideway/base/text.h"
#include "table.h"

namespace guideway::cli {
namespace {

using Align = Table::Align;

std::string text(const Json& object, const char* key) { return text_of(object, key); }

std::string number(const Json& object, const char* key) {
  return grouped(object.at(key).get<std::uint64_t>());
}

std::string port(const Json& object) {
  const auto value = object.at("port").get<std::uint64_t>();
  return value == 0 ? "any" : std::to_string(value);
}

std::string duration(std::uint64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  if (seconds < 172800) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string header(const Json& status) {
  const Json& age = status.at("live_flows_age_s");
  std::string lines;
  lines += "director " + text(status, "director") + ", guidewayd " + text(status, "version") +
           ", up " + duration(status.at("uptime_s").get<std::uint64_t>()) + ", generation " +
           std::to_string(status.at("generation").get<std::uint64_t>()) + " (change " +
           text(status, "change_id") + ")\n";
  lines += "datapath " + text(status, "datapath") + ": " + text(status, "memory") + "; " +
           text(status, "distribution") + "\n";
  lines += "live flows counted " +
           (age.is_null() ? std::string("not yet")
                          : std::to_string(age.get<std::int64_t>()) + " s ago") +
           "\n";
  return lines;
}

/// Packets that workers count as the kernel's, and that it did not take, are a column if there are
/// any.
std::string interfaces(const Json& status) {
  const Json& all = status.at("interfaces");
  const bool any_refused = std::any_of(all.begin(), all.end(), [](const Json& i) {
    return i.at("to_kernel_refused").get<std::uint64_t>() != 0;
  });
  std::vector<Table::Column> columns = {{"INTERFACE"},
                                        {"DEVICE"},
                                        {"DRIVER"},
                                        {"KERNEL SIDE"},
                                        {"MAC"},
                                        {"LINK"},
                                        {"MTU", Align::kRight},
                                        {"QUEUES", Align::kRight},
                                        {"TO KERNEL", Align::kRight},
                                        {"FROM KERNEL", Align::kRight}};
  if (any_refused) columns.push_back({"REFUSED BY KERNEL", Align::kRight});
  Table table(std::move(columns));
  for (const Json& i : all) {
    std::vector<std::string> cells = {text(i, "name"),
                                      text(i, "device"),
                                      text(i, "driver"),
                                      text(i, "kernel_name"),
                                      text(i, "mac"),
                                      i.at("link_up").get<bool>() ? "up" : "down",
                                      std::to_string(i.at("mtu").get<unsigned>()),
                                      number(i, "rx_queues"),
                                      number(i, "to_kernel"),
                                      number(i, "from_kernel")};
    if (any_refused) cells.push_back(number(i, "to_kernel_refused"));
    table.add(std::move(cells));
  }
  return table.to_string();
}

std::string workers(const Json& status) {
  Table table({{"WORKER"},
               {"CPU", Align::kRight},
               {"IN", Align::kRight},
               {"FORWARDED", Align::kRight},
               {"REPLIED", Align::kRight},
               {"TO KERNEL", Align::kRight},
               {"DROPPED", Align::kRight}});
  for (const Json& w : status.at("workers"))
    table.add({text(w, "role") == "worker" ? number(w, "shard") : text(w, "role"), number(w, "cpu"),
               number(w, "packets_in"), number(w, "forwarded"), number(w, "replied"),
               number(w, "to_kernel"), number(w, "dropped")});
  return table.to_string();
}

}  // namespace

std::string services_table(const Json& services) {
  Table table({{"SERVICE"},
               {"ADDRESS"},
               {"PROTOCOL"},
               {"PORT", Align::kRight},
               {"POOL"},
               {"PACKETS", Align::kRight},
               {"BYTES", Align::kRight},
               {"FLOWS", Align::kRight}});
  for (const Json& s : services)
    table.add({text(s, "name"), text(s, "address"), text(s, "protocol"), port(s), text(s, "pool"),
               number(s, "packets"), number(s, "bytes"), number(s, "flows")});
  return table.to_string();
}

/// "normal", "panic: hold".
std::string pool_state(const Json& pool) {
  const std::string state = text(pool, "state");
  return state == "panic" ? state + ": " + text(pool, "mode") : state;
}

std::string backend_name(const Json& pool, const Json& backend) {
  const std::string home = backend.at("home");
  return pool.at("name").get<std::string>() + "/" + (home.empty() ? "" : home + "/") +
         backend.at("name").get<std::string>();
}

std::string pools_table(const Json& pools) {
  Table table({{"POOL"},
               {"FORWARDING"},
               {"SCHEDULER"},
               {"STATE"},
               {"HEALTHY", Align::kRight},
               {"SLOTS", Align::kRight},
               {"PACKETS", Align::kRight},
               {"BYTES", Align::kRight},
               {"LIVE", Align::kRight}});
  for (const Json& pool : pools)
    table.add({text(pool, "name"), text(pool, "forwarding"), text(pool, "scheduler"),
               pool_state(pool), number(pool, "healthy_percent") + " %", number(pool, "slots"),
               number(pool, "packets"), number(pool, "bytes"), number(pool, "live_flows")});
  return table.to_string();
}

std::string backends_table(const Json& pools) {
  Table table({{"BACKEND"},
               {"ADDRESS"},
               {"WEIGHT", Align::kRight},
               {"EFFECTIVE", Align::kRight},
               {"STATE"},
               {"HEALTH"},
               {"SLOTS", Align::kRight},
               {"PACKETS", Align::kRight},
               {"BYTES", Align::kRight},
               {"FLOWS", Align::kRight},
               {"LIVE", Align::kRight},
               {"NO NEW FLOWS BECAUSE"}});
  for (const Json& pool : pools)
    for (const Json& b : pool.at("backends"))
      table.add({base::escape_untrusted(backend_name(pool, b)), text(b, "address"),
                 number(b, "weight"), number(b, "effective_weight"), text(b, "state"),
                 text(b, "health"), number(b, "slots"), number(b, "packets"), number(b, "bytes"),
                 number(b, "flows"), number(b, "live_flows"), text(b, "reason")});
  return table.to_string();
}

namespace {

/// Sums over the workers of what is not zero.
std::string counters(const Json& status, const char* group, const char* title) {
  std::vector<std::string> order;
  std::map<std::string, std::uint64_t> sums;
  for (const Json& worker : status.at("workers"))
    for (const auto& [name, value] : worker.at(group).items()) {
      if (sums.count(name) == 0) order.push_back(name);
      sums[name] += value.get<std::uint64_t>();
    }
  Table table({{title}, {"PACKETS", Align::kRight}});
  for (const auto& name : order)
    if (sums[name] != 0) table.add({base::escape_untrusted(name), grouped(sums[name])});
  return table.empty() ? "" : table.to_string() + "\n";
}

}  // namespace

Result<std::string> status_view(const std::string& json) {
  try {
    const Json status = Json::parse(json);
    return header(status) + "\n" + interfaces(status) + "\n" + workers(status) + "\n" +
           services_table(status.at("services")) + "\n" + pools_table(status.at("pools")) + "\n" +
           backends_table(status.at("pools")) + "\n" + counters(status, "reasons", "REASON") +
           counters(status, "events", "EVENT");
  } catch (const nlohmann::json::exception& error) {
    return base::fail(std::string("the daemon's answer is not understood (") + error.what() +
                      "); guideway and guidewayd should be of one version");
  }
}

}  // namespace guideway::cli
