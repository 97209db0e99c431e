// SPDX-License-Identifier: Apache-2.0
// Loads: tells every worker about how many live flows each backend of a least_connections pool has:
// those that the sweep counted, and those that all workers have made since. A worker adds what it
// makes itself (gw_load_of in core/turns.h).
//
// What is made during a walk is counted by it or not, depending on whether the walk comes by before
// or after; half of it is taken as counted.
// Threading: one thread (the helper thread). Workers read and count meanwhile.
#ifndef GUIDEWAY_CONTROL_LOADS_H_
#define GUIDEWAY_CONTROL_LOADS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"

namespace guideway::control {

class Loads {
 public:
  /// Datapath::backend_rows(); all of one length.
  using Rows = std::vector<std::span<gw_traffic>>;
  explicit Loads(Rows rows);

  /// Around a walk of the sweep. `live`: what it found; index: backend id.
  void begin_walk();
  void end_walk(std::span<const std::uint32_t> live);

  /// Tells the workers, for the backends of the pools in `state` that go by load.
  void tell(const compile::ForwardingState& state);

 private:
  std::uint64_t made(std::size_t id) const;

  const Rows rows_;
  std::vector<std::uint64_t> before_walk_;  // flows made by all until the walk under way began
  std::vector<std::uint64_t> counted_;      // flows made that the last walk has taken into account
  std::vector<std::uint32_t> live_;         // by that walk
  std::vector<std::uint64_t> own_;          // flows made by each row, for one id
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_LOADS_H_
