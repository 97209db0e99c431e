// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/backoff.h"

#include <gtest/gtest.h>

namespace guideway::control {
namespace {

using std::chrono::seconds;

TEST(Backoff, WaitsTwiceAsLongEachTimeUpToALimit) {
  Backoff backoff;
  Backoff::Clock::time_point now{std::chrono::hours(1)};
  EXPECT_TRUE(backoff.may(now));
  for (const int wait_s : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    backoff.failed(now);
    now += seconds(wait_s) - std::chrono::milliseconds(1);
    EXPECT_FALSE(backoff.may(now)) << wait_s;
    now += std::chrono::milliseconds(1);
    EXPECT_TRUE(backoff.may(now)) << wait_s;
  }
  backoff.reset();
  backoff.failed(now);
  EXPECT_TRUE(backoff.may(now + seconds(1)));
}

}  // namespace
}  // namespace guideway::control
