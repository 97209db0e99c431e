// SPDX-License-Identifier: Apache-2.0
// PoolTraffic: what the backends that have left a pool had counted until then. A backend's counters
// go with its id; a pool's never run backwards with it.
// Threading: the control thread; workers count meanwhile.
#ifndef GUIDEWAY_CONTROL_POOL_TRAFFIC_H_
#define GUIDEWAY_CONTROL_POOL_TRAFFIC_H_

#include <map>
#include <span>
#include <string>
#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"

namespace guideway::control {

class PoolTraffic {
 public:
  /// `now` is about to take the place of `before`. `rows`: Datapath::backend_rows(), in which the
  /// ids of those that leave still have their counts. Cost: the backends.
  void take_over(const compile::ForwardingState& before, const compile::ForwardingState& now,
                 const std::vector<std::span<gw_traffic>>& rows);

  /// Of all that have left it; zeros if none has.
  gw_traffic of(const std::string& pool) const;

 private:
  std::map<std::string, gw_traffic> gone_;  // only of pools that there are
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_POOL_TRAFFIC_H_
