// SPDX-License-Identifier: Apache-2.0
// Backoff: when to try again what failed: after a second, and twice as long each time.
// Threading: values.
#ifndef GUIDEWAY_CONTROL_BACKOFF_H_
#define GUIDEWAY_CONTROL_BACKOFF_H_

#include <algorithm>
#include <chrono>

namespace guideway::control {

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLongest{300};

  bool may(Clock::time_point now) const { return now >= due_; }
  void failed(Clock::time_point now) {
    due_ = now + wait_;
    wait_ = std::min(wait_ * 2, kLongest);
  }
  void reset() { *this = Backoff(); }

 private:
  Clock::time_point due_ = Clock::time_point::min();
  std::chrono::seconds wait_ = kFirst;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_BACKOFF_H_
