// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/judge.h"

#include <gtest/gtest.h>

#include <string>

namespace guideway::health {
namespace {

/// The states after each probe of `probes` ('+' success, '-' failure), as "iHU" letters.
std::string states(const std::string& probes, std::uint32_t healthy, std::uint32_t unhealthy) {
  Judge judge(healthy, unhealthy);
  std::string letters;
  for (const char probe : probes) {
    switch (judge.take(probe == '+')) {
      case State::kInitial:
        letters += 'i';
        break;
      case State::kHealthy:
        letters += 'H';
        break;
      case State::kUnhealthy:
        letters += 'U';
        break;
    }
  }
  return letters;
}

TEST(Judge, TheFirstSuccessIsEnough) {
  EXPECT_EQ(states("+", 5, 2), "H");
  EXPECT_EQ(states("-+", 5, 3), "iH");
}

TEST(Judge, OnlyConsecutiveResultsCount) {
  EXPECT_EQ(states("+--", 2, 2), "HHU");
  EXPECT_EQ(states("+-+-+-", 2, 2), "HHHHHH");
  EXPECT_EQ(states("+-----", 2, 3), "HHHUUU");
  EXPECT_EQ(states("--+-+-++", 2, 2), "iUUUUUUH");
}

TEST(Judge, ABackendThatNeverAnswersBecomesUnhealthy) { EXPECT_EQ(states("---", 2, 3), "iiU"); }

TEST(Judge, ThresholdsOfOneFollowEveryProbe) { EXPECT_EQ(states("+-+-", 1, 1), "HUHU"); }

TEST(Judge, AStateThatIsTakenOverHolds) {
  Judge judge(2, 2, State::kUnhealthy);
  EXPECT_EQ(judge.take(true), State::kUnhealthy);
  EXPECT_EQ(judge.take(true), State::kHealthy);
  EXPECT_EQ(judge.in_a_row(), 2U);
}

}  // namespace
}  // namespace guideway::health
