// SPDX-License-Identifier: Apache-2.0
// Rates, from two answers of GET /v1/status.
// Threading: no state.
#ifndef GUIDEWAY_CLI_TOP_VIEW_H_
#define GUIDEWAY_CLI_TOP_VIEW_H_

#include <chrono>
#include <string>

#include "json.h"

namespace guideway::cli {

/// What happened between two statuses, per second: {"api": 1, "interval_s": …, "director": …,
/// "workers": {…}, "services": […], "backends": […]}. A counter that fell, as after a restart, has
/// rate 0. Throws Json::exception for what is no status.
Json rates_between(const Json& earlier, const Json& later, std::chrono::nanoseconds time);

/// For people: lines of the rates, the busiest services and backends first.
std::string top_view(const Json& rates);

/// The first `rows` lines, each cut to `columns` characters, for a terminal of that size.
std::string cut_to_screen(const std::string& text, std::size_t rows, std::size_t columns);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_TOP_VIEW_H_
