// SPDX-License-Identifier: Apache-2.0
// RecentStatus: one status for all who ask within a short time, so that however many ask, taking it
// holds the loop for a tenth of the time at most. One that was quick to take is hardly ever given
// twice. Threading: the control thread; what it gives can be read on any.
#ifndef GUIDEWAY_CONTROL_RECENT_STATUS_H_
#define GUIDEWAY_CONTROL_RECENT_STATUS_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "guideway/control/status.h"

namespace guideway::control {

class RecentStatus {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// It is given again for so many times as long as it took to take, but never for longer.
  static constexpr int kLoopShare = 10;
  static constexpr std::chrono::milliseconds kLongest{500};

  /// What a status must not be older than: a client that has changed something sees it.
  struct Of {
    std::uint64_t revision = 0;
    std::uint64_t generation = 0;
    friend bool operator==(const Of&, const Of&) = default;
  };

  /// `take` makes a new one, `now` is the clock.
  template <typename Take, typename Now>
  std::shared_ptr<const Status> get(const Of& of, Take take, Now now) {
    const Time asked = now();
    if (status_ && of == of_ && asked < until_) return status_;
    status_ = std::make_shared<const Status>(take());
    of_ = of;
    const Time taken = now();
    until_ = taken + std::min<Time::duration>(kLoopShare * (taken - asked), kLongest);
    return status_;
  }

 private:
  std::shared_ptr<const Status> status_;
  Of of_;
  Time until_{};
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_RECENT_STATUS_H_
