// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/idle.h"

#include <gtest/gtest.h>

namespace guideway::datapath::dpdk {
namespace {

using std::chrono::nanoseconds;

TEST(Idle, SleepsOnlyAfterManyEmptyPollsAndThenLongerAndLonger) {
  IdleBackoff idle(Idle::kAdaptive);
  for (unsigned i = 0; i < IdleBackoff::kSpins + IdleBackoff::kPauses; i++) {
    ASSERT_EQ(idle.next(0), nanoseconds(0)) << i;
  }
  nanoseconds before = idle.next(0);
  EXPECT_EQ(before, IdleBackoff::kShortestSleep);
  for (int i = 0; i < 10; i++) {
    const nanoseconds now = idle.next(0);
    EXPECT_GE(now, before);
    EXPECT_LE(now, IdleBackoff::kLongestSleep);
    before = now;
  }
  EXPECT_EQ(before, IdleBackoff::kLongestSleep);
}

TEST(Idle, APacketMakesItBusyAgain) {
  IdleBackoff idle(Idle::kAdaptive);
  for (int i = 0; i < 10000; i++) idle.next(0);
  EXPECT_EQ(idle.next(1), nanoseconds(0));
  EXPECT_EQ(idle.next(0), nanoseconds(0));
}

TEST(Idle, NeverSleepsWhenTold) {
  IdleBackoff idle(Idle::kPoll);
  for (int i = 0; i < 10000; i++) ASSERT_EQ(idle.next(0), nanoseconds(0));
}

}  // namespace
}  // namespace guideway::datapath::dpdk
