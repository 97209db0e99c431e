// SPDX-License-Identifier: Apache-2.0
#include "waiting.h"

#include <rte_pause.h>

#include <algorithm>
#include <ctime>

namespace guideway::pktgen {
namespace {

/// Half of net_af_packet's frames, as many as it has unless told otherwise, fill in this time
/// at 2.5 million packets a second.
constexpr std::uint64_t kShortestSleep_ns = 100'000;
/// What a sleep may be late by.
constexpr std::uint64_t kWakeUp_ns = 60'000;
constexpr std::uint64_t kLongestSleep_ns = 50'000'000;

}  // namespace

void wait(Waiting waiting, std::uint64_t wait_ns) {
  if (waiting == Waiting::kSpin) {
    if (wait_ns <= kWakeUp_ns) {
      rte_pause();
      return;
    }
    wait_ns -= kWakeUp_ns;
  } else {
    wait_ns = std::max(wait_ns, kShortestSleep_ns);
  }
  const timespec time{0, static_cast<long>(std::min(wait_ns, kLongestSleep_ns))};
  // A signal may end it early; that is as good.
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace guideway::pktgen
