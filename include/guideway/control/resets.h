// SPDX-License-Identifier: Apache-2.0
// Resets: whose flows are to start anew elsewhere, by now. A generation says whose flows may; here
// is for how long that has been so, by a clock that nobody sets. Threading: one thread (the helper
// thread).
#ifndef GUIDEWAY_CONTROL_RESETS_H_
#define GUIDEWAY_CONTROL_RESETS_H_

#include <chrono>
#include <map>
#include <vector>

#include "guideway/compile/forwarding_state.h"

namespace guideway::control {

class Resets {
 public:
  using Clock = std::chrono::steady_clock;

  /// By backend id. Call it often: `state` holds since the last call.
  std::vector<bool> due(const compile::ForwardingState& state, Clock::time_point now);

 private:
  struct Watched {
    bool was_away = false;  // could not be reached
    bool resets = false;
    Clock::time_point after{};  // if it resets
  };
  std::map<std::size_t, Watched> watched_;  // what is in order is not in it
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_RESETS_H_
