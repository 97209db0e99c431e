// SPDX-License-Identifier: Apache-2.0
#include "zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "traffic_source.h"

namespace guideway::pktgen {
namespace {

TEST(Zipf, RanksComeAsOftenAsTheLawSays) {
  constexpr std::uint32_t kRanks = 50;
  constexpr int kDraws = 400'000;
  for (const double exponent : {0.5, 1.0, 1.1, 2.0}) {
    double sum = 0;
    for (std::uint32_t rank = 0; rank < kRanks; rank++) sum += std::pow(rank + 1, -exponent);
    Zipf zipf(kRanks, exponent, 7);
    std::vector<int> drawn(kRanks);
    for (int i = 0; i < kDraws; i++) {
      const std::uint32_t rank = zipf.next();
      ASSERT_LT(rank, kRanks);
      drawn[rank]++;
    }
    for (std::uint32_t rank = 0; rank < kRanks; rank++) {
      const double wanted = kDraws * std::pow(rank + 1, -exponent) / sum;
      EXPECT_NEAR(drawn[rank], wanted, 5 * std::sqrt(wanted)) << exponent << ", rank " << rank;
    }
  }
}

TEST(Zipf, HasOneRankOrTenMillion) {
  Zipf one(1, 1.2, 1);
  for (int i = 0; i < 100; i++) EXPECT_EQ(one.next(), 0u);
  Zipf many(10'000'000, 0.1, 1);
  std::uint32_t most = 0;
  for (int i = 0; i < 10'000; i++) most = std::max(most, many.next());
  EXPECT_GT(most, 9'000'000u);
  EXPECT_LT(most, 10'000'000u);
}

TEST(TrafficSource, PopularFlowsSendMoreAndNumberTheirPackets) {
  TrafficSource source(TrafficPattern({.flows = 100}), 1.2, 3);
  std::map<std::uint32_t, std::uint32_t> sent;
  for (int i = 0; i < 20'000; i++) {
    const Step step = source.next();
    EXPECT_EQ(step.mark.sequence, sent[step.mark.flow]++);
    EXPECT_EQ(step.flags, step.mark.sequence == 0 ? kSyn : kPushAck);
  }
  EXPECT_EQ(sent.size(), 100u);
  EXPECT_GT(sent[0], 10 * sent[50]);
}

TEST(TrafficSource, LeavesShortFlowsAlone) {
  const TrafficPattern pattern({.traffic = Traffic::kMixed, .flows = 80});
  TrafficSource source(pattern, 1.0, 3);
  for (std::uint64_t i = 0; i < 5000; i++) {
    const Step wanted = pattern.step(i);
    const Step step = source.next();
    EXPECT_EQ(step.flags, wanted.flags);
    if (wanted.mark.flow >= 60 || wanted.flags == kSyn) {
      EXPECT_EQ(step.mark, wanted.mark);
    } else {
      EXPECT_LT(step.mark.flow, 60u);
    }
  }
}

TEST(TrafficSource, WithoutPopularityIsThePattern) {
  const TrafficPattern pattern({.flows = 10});
  TrafficSource source(pattern, std::nullopt, 3);
  for (std::uint64_t i = 0; i < 100; i++) EXPECT_EQ(source.next().mark, pattern.step(i).mark);
}

}  // namespace
}  // namespace guideway::pktgen
