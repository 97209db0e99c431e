// SPDX-License-Identifier: Apache-2.0
// JSON of strangers: bounded before anything is made of it.
// Threading: no state.
#ifndef GUIDEWAY_CONFIG_JSON_TEXT_H_
#define GUIDEWAY_CONFIG_JSON_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "guideway/config/resources.h"

namespace guideway::config {

struct JsonBounds {
  /// Of arrays and objects in each other: what takes them apart recurses.
  std::size_t most_levels = 32;
  /// Of one object: its keys are looked for one by one, to keep their order.
  std::size_t most_keys = 256;
};

enum class JsonFault { kNotJson, kTooDeep, kTooManyKeys };

/// "is nested deeper than 32 levels"
std::string words_of(JsonFault fault, const JsonBounds& bounds);

/// Cost: linear in the text.
tl::expected<Json, JsonFault> parse_json(std::string_view text, const JsonBounds& bounds);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_JSON_TEXT_H_
