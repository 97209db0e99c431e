// SPDX-License-Identifier: Apache-2.0
// IdleBackoff: what a worker does between polls that found nothing. Busy: nothing. A little idle:
// pause instructions. Idle for longer: short sleeps, so that a worker without traffic costs a few
// per cent of its core and a packet at most kLongestSleep of delay.
// Threading: belongs to one worker.
#ifndef GUIDEWAY_DATAPATH_DPDK_IDLE_H_
#define GUIDEWAY_DATAPATH_DPDK_IDLE_H_

#include <chrono>

namespace guideway::datapath::dpdk {

enum class Idle {
  kPoll,      // never sleeps: for dedicated cores
  kAdaptive,  // spins, pauses, sleeps
};

class IdleBackoff {
 public:
  static constexpr unsigned kSpins = 64;
  static constexpr unsigned kPauses = 1024;
  static constexpr std::chrono::nanoseconds kShortestSleep = std::chrono::microseconds(10);
  static constexpr std::chrono::nanoseconds kLongestSleep = std::chrono::microseconds(200);

  explicit IdleBackoff(Idle policy) : policy_(policy) {}

  /// The step to take after a poll that handled `packets`: zero means "poll again at once", a time
  /// means "sleep that long". Pure, apart from its own count.
  std::chrono::nanoseconds next(unsigned packets);

  /// Takes the step: returns at once, pauses, or sleeps.
  void wait(unsigned packets);

 private:
  Idle policy_;
  unsigned empty_polls_ = 0;
  std::chrono::nanoseconds sleep_ = kShortestSleep;
};

/// Lets short sleeps of the calling thread be short: without it the kernel rounds up by 50 us.
void ask_for_exact_sleeps();

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_IDLE_H_
