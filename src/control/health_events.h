// SPDX-License-Identifier: Apache-2.0
// What happens to the health of backends and pools, for the log.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_HEALTH_EVENTS_H_
#define GUIDEWAY_CONTROL_HEALTH_EVENTS_H_

#include "guideway/compile/forwarding_state.h"
#include "guideway/health/checker.h"
#include "guideway/model/model.h"

namespace guideway::control {

void log_health_change(const health::Change& change);

/// A warning for each pool that begins to panic, or does something else about it, and a line for
/// each that is out of it. `before`: none at the first generation.
void log_pool_changes(const model::Model& model, const compile::ForwardingState* before,
                      const compile::ForwardingState& now);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_HEALTH_EVENTS_H_
