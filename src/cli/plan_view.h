// SPDX-License-Identifier: Apache-2.0
// What `guideway plan` shows of the daemon's plan.
// Threading: no state.
#ifndef GUIDEWAY_CLI_PLAN_VIEW_H_
#define GUIDEWAY_CLI_PLAN_VIEW_H_

#include <string>

#include "json.h"

namespace guideway::cli {

/// Changes, slots that move, what goes away with the flows on it, and services that lose theirs.
/// Throws Json::exception for what is no plan.
std::string plan_view(const Json& plan);

/// Why it could not be applied, a line each; empty if it could.
std::string plan_errors(const Json& plan);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_PLAN_VIEW_H_
