// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/schedule_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

namespace guideway::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Ids 0, 1, 2 …, of these weights.
std::vector<MaglevBackend> weighing(const std::vector<std::uint32_t>& weights) {
  std::vector<MaglevBackend> backends;
  for (const std::uint32_t weight : weights)
    backends.push_back({backends.size() + 1, weight, static_cast<std::uint16_t>(backends.size())});
  return backends;
}

std::vector<std::uint16_t> ring_of(const std::vector<std::uint32_t>& weights,
                                   std::uint32_t most = 65537) {
  const auto ring = schedule_ring(weighing(weights), most);
  EXPECT_TRUE(ring) << ring.error().message;
  return ring.value_or(std::vector<std::uint16_t>{});
}

TEST(ScheduleRing, EqualWeightsStandOnceEachInTheirOrder) {
  EXPECT_THAT(ring_of({1, 1, 1}), ElementsAre(0, 1, 2));
  EXPECT_THAT(ring_of({100, 100, 100, 100}), ElementsAre(0, 1, 2, 3));
}

TEST(ScheduleRing, WhoHasNoWeightIsNotInIt) {
  EXPECT_THAT(ring_of({5, 0, 5}), ElementsAre(0, 2));
  EXPECT_THAT(ring_of({0, 0}), IsEmpty());
  EXPECT_THAT(ring_of({}), IsEmpty());
}

TEST(ScheduleRing, MoreWeightIsMoreTurnsApart) {
  EXPECT_THAT(ring_of({2, 1}), ElementsAre(0, 1, 0));
  EXPECT_THAT(ring_of({200, 100, 100}), ElementsAre(0, 1, 2, 0));
}

TEST(ScheduleRing, SharesAreExactWhenTheyFit) {
  const std::vector<std::uint32_t> weights = {997, 10, 350, 1};
  const auto ring = ring_of(weights);
  ASSERT_EQ(ring.size(), 997U + 10 + 350 + 1);
  for (std::uint16_t id = 0; id < weights.size(); id++)
    EXPECT_EQ(std::count(ring.begin(), ring.end(), id), weights[id]);
}

TEST(ScheduleRing, LongerOnesHaveTheSharesOfASlotTable) {
  const std::vector<std::uint32_t> weights = {997, 350, 401};
  const auto ring = ring_of(weights, 101);
  const auto quotas = maglev_quotas(weighing(weights), 101);
  ASSERT_TRUE(quotas);
  ASSERT_EQ(ring.size(), 101U);
  for (std::uint16_t id = 0; id < weights.size(); id++)
    EXPECT_EQ(std::count(ring.begin(), ring.end(), id), (*quotas)[id]);
}

TEST(ScheduleRing, AWeightThatIsNotWorthATurnIsRefused) {
  EXPECT_FALSE(schedule_ring(weighing({1000, 1}), 101));
}

// Each stretch that a worker goes has nearly the right shares: off by at most half a turn for the
// backend itself, and its part of half a turn for each of the others.
TEST(ScheduleRing, EveryStretchFromTheBeginningHasTheShares) {
  for (const std::vector<std::uint32_t>& weights :
       {std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
        std::vector<std::uint32_t>{565, 304, 630, 54, 999}, std::vector<std::uint32_t>{1000, 1},
        std::vector<std::uint32_t>{90, 10, 10, 10}}) {
    const auto ring = ring_of(weights);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<double> seen(weights.size());
    for (std::size_t i = 0; i < ring.size(); i++) {
      seen[ring[i]]++;
      for (std::size_t id = 0; id < weights.size(); id++) {
        const double share = weights[id] / sum;
        const double off = std::abs(seen[id] - share * static_cast<double>(i + 1));
        ASSERT_LE(off, 1 + share * static_cast<double>(weights.size()) / 2)
            << "backend " << id << ", after " << i + 1;
      }
    }
  }
}

TEST(ScheduleRing, TheLongestOneFits) {
  // Weights that have no common divisor, and a table of the largest size.
  const auto ring = ring_of({1'000'000, 999'999, 3}, kMaxMaglevTableSize);
  EXPECT_EQ(ring.size(), 2'000'002U);
}

}  // namespace
}  // namespace guideway::compile
