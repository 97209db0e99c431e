// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

#include <chrono>

#include "guideway/base/clock.h"
#include "guideway/base/text.h"
#include "table.h"

namespace guideway::cli {
namespace {

constexpr const char* kSince = "since_s";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_list_of_tables(const Json& value) {
  return value.is_array() && !value.empty() && value.front().is_object();
}

std::string shown(const std::string& key, const Json& value) {
  if (ends_with(key, kSince) && value.is_number_integer() && value.get<std::int64_t>() > 0)
    return base::utc_text(
        std::chrono::system_clock::time_point(std::chrono::seconds(value.get<std::int64_t>())));
  return plain(value);
}

void add_fields(const Json& object, const std::string& before, Table& table) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object())
      add_fields(value, before + key + ".", table);
    else if (!is_list_of_tables(value) && !value.is_null() && value != "")
      table.add({base::escape_untrusted(before + key), shown(key, value)});
  }
}

}  // namespace

std::string backends_path(const std::string& pool) {
  return "/v1/pools/" + encoded(pool) + "/backends";
}

Outcome<Resource> resource_of(const Call& call) {
  const std::string kind = call.command.words.substr(0, call.command.words.find(' '));
  const std::string& argument = call.arguments.at(0);
  if (kind != "backend") {
    const std::string list = "/v1/" + kind + "s";
    return Resource{kind, argument, list + "/" + encoded(argument), list, kind + "s"};
  }
  const std::size_t slash = argument.find('/');
  const std::string pool = argument.substr(0, slash);
  const std::string name = slash == std::string::npos ? "" : argument.substr(slash + 1);
  if (pool.empty() || name.empty())
    return failed(kUsage, base::quoted(argument) +
                              " names no backend: write POOL/BACKEND, for example web/b1");
  const std::string list = backends_path(pool);
  return Resource{kind, name, list + "/" + encoded(name), list, "backends"};
}

std::string fields_text(const Json& object) {
  Table table({{"KEY"}, {"VALUE"}});
  add_fields(object, "", table);
  return table.to_string();
}

}  // namespace guideway::cli
