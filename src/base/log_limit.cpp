// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/log_limit.h"

#include <algorithm>

namespace guideway::base {

std::optional<std::string> LogLimit::allow(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point next = std::max(full_at_, now) + period_;
  if (next > now + period_ * burst_) {
    left_out_++;
    return std::nullopt;
  }
  full_at_ = next;
  if (left_out_ == 0) return std::string();
  std::string note = " (" + std::to_string(left_out_) + " more like this were left out)";
  left_out_ = 0;
  return note;
}

}  // namespace guideway::base
