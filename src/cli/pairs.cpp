// SPDX-License-Identifier: Apache-2.0
#include "pairs.h"

#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

/// More than any table of the configuration has.
constexpr std::size_t kMaxDepth = 8;

/// The parts of "a.b.c"; empty if one of them is.
std::vector<std::string> parts_of(const std::string& key) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t dot = 0; dot != std::string::npos; start = dot + 1) {
    dot = key.find('.', start);
    const std::string part = key.substr(start, dot == std::string::npos ? dot : dot - start);
    if (part.empty() || parts.size() == kMaxDepth) return {};
    parts.push_back(part);
  }
  return parts;
}

/// False if something else is there already.
bool put(const std::vector<std::string>& parts, Json value, Json& table) {
  Json* place = &table;
  for (std::size_t i = 0; i + 1 < parts.size(); i++) {
    if (!place->contains(parts[i])) (*place)[parts[i]] = Json::object();
    place = &(*place)[parts[i]];
    if (!place->is_object()) return false;
  }
  if (place->contains(parts.back())) return false;
  (*place)[parts.back()] = std::move(value);
  return true;
}

}  // namespace

Json typed_value(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

Outcome<Json> parse_pairs(const std::vector<std::string>& pairs) {
  Json table = Json::object();
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    const auto parts = parts_of(pair.substr(0, equals));
    if (equals == std::string::npos || parts.empty())
      return failed(kUsage, base::quoted(pair) +
                                " is not KEY=VALUE: write for example weight=50, or "
                                "health_check.interval=5s for a key of a table");
    if (!put(parts, typed_value(pair.substr(equals + 1)), table))
      return failed(kUsage, base::quoted(pair) + ": this key is named twice");
  }
  return table;
}

}  // namespace guideway::cli
