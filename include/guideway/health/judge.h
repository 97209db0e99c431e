// SPDX-License-Identifier: Apache-2.0
// Judge: from single probes to a state, by consecutive results: one that differs starts the count
// anew. The first success of a backend without a verdict is enough; it has been waiting.
// Threading: a value.
#ifndef GUIDEWAY_HEALTH_JUDGE_H_
#define GUIDEWAY_HEALTH_JUDGE_H_

#include <cstdint>

#include "guideway/health/verdict.h"

namespace guideway::health {

class Judge {
 public:
  Judge(std::uint32_t healthy_threshold, std::uint32_t unhealthy_threshold,
        State state = State::kInitial)
      : healthy_threshold_(healthy_threshold),
        unhealthy_threshold_(unhealthy_threshold),
        state_(state) {}

  /// The state after one more probe.
  State take(bool success);
  State state() const { return state_; }
  /// It has succeeded often enough, and yet is to stay unhealthy. The count goes on: it takes
  /// another success to ask again.
  void stay_unhealthy() { state_ = State::kUnhealthy; }
  /// The count goes on.
  void rethreshold(std::uint32_t healthy_threshold, std::uint32_t unhealthy_threshold) {
    healthy_threshold_ = healthy_threshold;
    unhealthy_threshold_ = unhealthy_threshold;
  }
  /// The last result speaks against the state, or there is no state yet.
  bool is_changing() const {
    return state_ == State::kInitial || (in_a_row_ != 0 && last_ != (state_ == State::kHealthy));
  }
  /// Results in a row that are alike, the last one included.
  std::uint32_t in_a_row() const { return in_a_row_; }

 private:
  std::uint32_t healthy_threshold_;
  std::uint32_t unhealthy_threshold_;
  State state_;
  bool last_ = false;
  std::uint32_t in_a_row_ = 0;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_JUDGE_H_
