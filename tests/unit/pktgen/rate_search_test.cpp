// SPDX-License-Identifier: Apache-2.0
#include "rate_search.h"

#include <gtest/gtest.h>

namespace guideway::pktgen {
namespace {

/// Trials against something that loses nothing up to `limit`; how many.
int search(RateSearch& search, std::uint64_t limit) {
  int trials = 0;
  while (const auto rate = search.next()) {
    search.tell(*rate <= limit);
    if (++trials > 20) break;
  }
  return trials;
}

TEST(RateSearch, FindsTheRateToAHundredthOfTheMost) {
  for (const std::uint64_t limit : {11'000u, 123'456u, 500'000u, 987'654u}) {
    RateSearch trials(1'000'000);
    EXPECT_LE(search(trials, limit), 8);
    EXPECT_LE(trials.best(), limit);
    EXPECT_GE(trials.best() + 10'000, limit);
  }
}

TEST(RateSearch, NeedsOneTrialIfTheMostIsGood) {
  RateSearch trials(500);
  EXPECT_EQ(search(trials, 1000), 1);
  EXPECT_EQ(trials.best(), 500u);
}

TEST(RateSearch, FindsNothingWhereEverythingIsLost) {
  RateSearch trials(1'000'000);
  search(trials, 0);
  EXPECT_EQ(trials.best(), 0u);
}

TEST(RateSearch, EndsAtTheSmallestRate) {
  RateSearch trials(1);
  EXPECT_EQ(trials.next(), 1u);
  trials.tell(false);
  EXPECT_FALSE(trials.next());
  EXPECT_EQ(trials.best(), 0u);
}

}  // namespace
}  // namespace guideway::pktgen
