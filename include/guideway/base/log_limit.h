// SPDX-License-Identifier: Apache-2.0
// LogLimit: for a log line that packets, peers or drivers can cause as often as they like: some at
// once, then a few a second, and a word about those that were left out.
// Threading: any thread, also from several at once.
#ifndef GUIDEWAY_BASE_LOG_LIMIT_H_
#define GUIDEWAY_BASE_LOG_LIMIT_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace guideway::base {

class LogLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// `burst` lines at once, one more every `period`. REQUIRES: burst > 0.
  LogLimit(unsigned burst, Clock::duration period) : period_(period), burst_(burst) {}

  /// What to put behind the line that wants to be logged at `now`: empty, or " (12 more like this
  /// were left out)". Nothing: leave the line out.
  std::optional<std::string> allow(Clock::time_point now = Clock::now());

 private:
  const Clock::duration period_;
  const unsigned burst_;
  std::mutex mutex_;
  /// Lines that may be logged, by the time at which all of them will be available again. Guarded by
  /// mutex_.
  Clock::time_point full_at_{};
  std::uint64_t left_out_ = 0;  // guarded by mutex_
};

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_LOG_LIMIT_H_
