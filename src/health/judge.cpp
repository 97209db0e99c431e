// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/judge.h"

namespace guideway::health {

State Judge::take(bool success) {
  in_a_row_ = in_a_row_ != 0 && success == last_ ? in_a_row_ + 1 : 1;
  last_ = success;
  if (success && (state_ == State::kInitial || in_a_row_ >= healthy_threshold_))
    state_ = State::kHealthy;
  if (!success && in_a_row_ >= unhealthy_threshold_) state_ = State::kUnhealthy;
  return state_;
}

}  // namespace guideway::health
