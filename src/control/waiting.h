// SPDX-License-Identifier: Apache-2.0
// Small questions that the controller's parts share: which addresses are to be watched, and whether
// the kernel has said how to reach them.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_WAITING_H_
#define GUIDEWAY_CONTROL_WAITING_H_

#include <chrono>
#include <set>

#include "guideway/base/address.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/compile/next_hop.h"

namespace guideway::control {

/// How long a change waits for the neighbours of backends that are new. One that answers does so
/// within milliseconds.
inline constexpr std::chrono::milliseconds kResolveWait{1000};

std::set<IpAddress> backend_addresses(const compile::BackendIds& ids);

/// The kernel has said of each how to reach it, or that it cannot be reached.
bool all_known(const compile::NextHops& hops, const std::set<IpAddress>& addresses);

/// What the kernel says of these is the same in both.
bool same_hops(const compile::NextHops& one, const compile::NextHops& other,
               const std::set<IpAddress>& addresses);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_WAITING_H_
