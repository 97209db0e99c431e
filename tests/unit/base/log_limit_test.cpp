// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/log_limit.h"

#include <gtest/gtest.h>

namespace guideway::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LogLimit, LetsABurstThroughThenOneAPeriodAndCountsTheRest) {
  LogLimit limit(3, seconds(1));
  const LogLimit::Clock::time_point start{seconds(1000)};
  for (int i = 0; i < 3; i++) EXPECT_EQ(limit.allow(start), "");
  for (int i = 0; i < 7; i++) EXPECT_FALSE(limit.allow(start + milliseconds(i)));
  EXPECT_FALSE(limit.allow(start + milliseconds(999)));
  EXPECT_EQ(limit.allow(start + seconds(1)), " (8 more like this were left out)");
  EXPECT_FALSE(limit.allow(start + seconds(1)));
}

TEST(LogLimit, HasItsWholeBurstAgainAfterAQuietTime) {
  LogLimit limit(3, seconds(1));
  const LogLimit::Clock::time_point start{seconds(1000)};
  while (limit.allow(start)) {
  }
  const auto later = start + seconds(100);
  EXPECT_EQ(limit.allow(later), " (1 more like this were left out)");
  EXPECT_EQ(limit.allow(later), "");
  EXPECT_EQ(limit.allow(later), "");
  EXPECT_FALSE(limit.allow(later));
}

}  // namespace
}  // namespace guideway::base
