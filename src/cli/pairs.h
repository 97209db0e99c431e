// SPDX-License-Identifier: Apache-2.0
// KEY=VALUE arguments as JSON.
// Threading: no state.
#ifndef GUIDEWAY_CLI_PAIRS_H_
#define GUIDEWAY_CLI_PAIRS_H_

#include <string>
#include <vector>

#include "json.h"
#include "outcome.h"

namespace guideway::cli {

/// A number, true, null, {…} or […] where the text is JSON, else the text.
Json typed_value(const std::string& text);

/// {"weight": 50} for "weight=50"; dots make tables: "health_check.interval=5s". Failures (kUsage):
/// no pair, a key that is named twice.
Outcome<Json> parse_pairs(const std::vector<std::string>& pairs);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_PAIRS_H_
