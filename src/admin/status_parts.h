// SPDX-License-Identifier: Apache-2.0
// The parts of the status as JSON, for the whole and for single resources.
// Threading: no state.
#ifndef GUIDEWAY_ADMIN_STATUS_PARTS_H_
#define GUIDEWAY_ADMIN_STATUS_PARTS_H_

#include <nlohmann/json.hpp>

#include "guideway/control/status.h"

namespace guideway::admin {

using Json = nlohmann::ordered_json;

Json service_json(const control::ServiceStatus& service);
Json backend_json(const control::BackendStatus& backend);
Json pool_json(const control::PoolStatus& pool);

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_STATUS_PARTS_H_
