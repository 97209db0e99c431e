// SPDX-License-Identifier: Apache-2.0
// Field: one fact beside the message of an event or a log line, under a name that programs can rely
// on: {"change_id", "4f3a…"}.
// Threading: a value.
#ifndef GUIDEWAY_BASE_FIELD_H_
#define GUIDEWAY_BASE_FIELD_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace guideway::base {

struct Field {
  using Value = std::variant<std::string, std::int64_t>;

  Field(std::string field_key, std::string text)
      : key(std::move(field_key)), value(std::move(text)) {}
  Field(std::string field_key, const char* text) : Field(std::move(field_key), std::string(text)) {}
  template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
  Field(std::string field_key, Integer number)
      : key(std::move(field_key)), value(static_cast<std::int64_t>(number)) {}

  std::string key;
  Value value;

  friend bool operator==(const Field&, const Field&) = default;
};

using Fields = std::vector<Field>;

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_FIELD_H_
