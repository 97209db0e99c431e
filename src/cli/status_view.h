// SPDX-License-Identifier: Apache-2.0
// What `guideway status` shows of the daemon's JSON.
// Threading: no state.
#ifndef GUIDEWAY_CLI_STATUS_VIEW_H_
#define GUIDEWAY_CLI_STATUS_VIEW_H_

#include <string>

#include "guideway/base/result.h"
#include "json.h"

namespace guideway::cli {

/// `json` is the body of GET /v1/status. Errors: it is not what this version understands.
Result<std::string> status_view(const std::string& json);

/// Tables of its lists of services and of pools. They throw Json::exception for other lists.
std::string services_table(const Json& services);
std::string pools_table(const Json& pools);
/// "web/b1"; of a guest from a fallback pool "web/spare/b1". Not escaped.
std::string backend_name(const Json& pool, const Json& backend);
/// The backends of all these pools.
std::string backends_table(const Json& pools);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_STATUS_VIEW_H_
