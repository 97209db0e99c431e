// SPDX-License-Identifier: Apache-2.0
// What `guideway status` shows of the daemon's JSON.
// Threading: no state.
#ifndef GUIDEWAY_CLI_STATUS_VIEW_H_
#define GUIDEWAY_CLI_STATUS_VIEW_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::cli {

/// `json` is the body of GET /v1/status. Errors: it is not what this version understands.
Result<std::string> status_view(const std::string& json);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_STATUS_VIEW_H_
