// SPDX-License-Identifier: Apache-2.0
// What a change would do to packets: the generation in force beside the one that it would make.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_PLAN_H_
#define GUIDEWAY_CONTROL_PLAN_H_

#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/control/change.h"

namespace guideway::control {

/// `live`: live flows by backend id. Pools of which nothing moves are left out.
Plan plan_of(const compile::ForwardingState& now, const compile::ForwardingState& next,
             const std::vector<std::uint32_t>& live);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_PLAN_H_
