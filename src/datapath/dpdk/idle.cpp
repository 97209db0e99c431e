// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/idle.h"

#include <rte_pause.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

namespace guideway::datapath::dpdk {

std::chrono::nanoseconds IdleBackoff::next(unsigned packets) {
  if (packets != 0 || policy_ == Idle::kPoll) {
    empty_polls_ = 0;
    sleep_ = kShortestSleep;
    return std::chrono::nanoseconds(0);
  }
  if (empty_polls_ < kSpins + kPauses) {
    empty_polls_++;
    return std::chrono::nanoseconds(0);
  }
  auto now = sleep_;
  sleep_ = std::min(sleep_ * 2, kLongestSleep);
  return now;
}

void IdleBackoff::wait(unsigned packets) {
  auto sleep = next(packets);
  if (sleep.count() != 0) {
    timespec time{0, sleep.count()};
    // A signal may end it early; that is as good.
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  } else if (packets == 0 && empty_polls_ > kSpins) {
    rte_pause();
  }
}

void ask_for_exact_sleeps() { prctl(PR_SET_TIMERSLACK, 1); }

}  // namespace guideway::datapath::dpdk
