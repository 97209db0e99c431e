// SPDX-License-Identifier: Apache-2.0
#include <toml++/toml.h>

#include <sstream>

#include "guideway/config/resources.h"

namespace guideway::config {
namespace {

toml::table table_of(const Json& json);

toml::array array_of(const Json& json) {
  toml::array array;
  for (const Json& item : json) {
    if (item.is_object()) {
      array.push_back(table_of(item));
    } else if (item.is_array()) {
      array.push_back(array_of(item));
    } else if (item.is_string()) {
      array.push_back(item.get<std::string>());
    } else if (item.is_boolean()) {
      array.push_back(item.get<bool>());
    } else if (item.is_number_integer()) {
      array.push_back(item.get<std::int64_t>());
    }
  }
  return array;
}

toml::table table_of(const Json& json) {
  toml::table table;
  for (const auto& [key, item] : json.items()) {
    if (item.is_object()) {
      table.insert(key, table_of(item));
    } else if (item.is_array()) {
      table.insert(key, array_of(item));
    } else if (item.is_string()) {
      table.insert(key, item.get<std::string>());
    } else if (item.is_boolean()) {
      table.insert(key, item.get<bool>());
    } else if (item.is_number_integer()) {
      table.insert(key, item.get<std::int64_t>());
    }
  }
  return table;
}

}  // namespace

std::string to_toml(const Json& rest, const Resources& resources) {
  Json all = rest;
  all["pool"] = resources.pools;
  all["service"] = resources.services;
  std::ostringstream text;
  text << toml::toml_formatter{table_of(all)} << "\n";
  return text.str();
}

}  // namespace guideway::config
