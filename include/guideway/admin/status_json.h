// SPDX-License-Identifier: Apache-2.0
// The JSON form of the director's status: {"api":1, …}. Fields are only ever added.
// Threading: no state.
#ifndef GUIDEWAY_ADMIN_STATUS_JSON_H_
#define GUIDEWAY_ADMIN_STATUS_JSON_H_

#include <string>

#include "guideway/control/status.h"

namespace guideway::admin {

/// One JSON object, with a newline at its end. docs/operations.md names the fields.
std::string status_json(const control::Status& status);

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_STATUS_JSON_H_
