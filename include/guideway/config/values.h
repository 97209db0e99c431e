// SPDX-License-Identifier: Apache-2.0
// Text to value, where base does not have it: durations, the seed, the nearest word.
// Threading: no state.
#ifndef GUIDEWAY_CONFIG_VALUES_H_
#define GUIDEWAY_CONFIG_VALUES_H_

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/model/model.h"

namespace guideway::config {

/// "250ms", "10s", "5m", "1h": a whole number and a unit, nothing else; at most 10,000 hours.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The same, of whole seconds.
Result<std::chrono::seconds> parse_seconds(std::string_view text);

/// 32 hexadecimal digits. The error does not show the text, which is a secret.
Result<model::HashSeed> parse_hash_seed(std::string_view text);

/// The word of `known`, which is not empty, with the fewest edits from `word` (Levenshtein; the
/// first of several). Cost: the product of the lengths, of which a long `word` counts 64 bytes.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_VALUES_H_
