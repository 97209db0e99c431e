// SPDX-License-Identifier: Apache-2.0
#include "pacer.h"

#include <gtest/gtest.h>

namespace guideway::pktgen {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

std::uint64_t sent_in_a_second(std::uint64_t rate_pps, std::uint64_t step_ns) {
  Pacer pacer(rate_pps, 5);
  std::uint64_t sent = 0;
  for (std::uint64_t now = 5; now <= 5 + 1000 * kMillisecond; now += step_ns) {
    while (const unsigned due = pacer.take(now, 32)) sent += due;
  }
  return sent;
}

TEST(Pacer, KeepsTheRateHoweverOftenItIsAsked) {
  for (const std::uint64_t rate : {1u, 7u, 1000u, 33'333u, 1'000'000u}) {
    for (const std::uint64_t step_ns : {10'000u, 999'983u, 3'000'000u}) {
      const auto sent = sent_in_a_second(rate, step_ns);
      EXPECT_LE(sent, rate);
      EXPECT_GE(sent + 1, rate - rate * step_ns / (1000 * kMillisecond)) << rate << " " << step_ns;
    }
  }
}

TEST(Pacer, KeepsALowRateThatIsAskedForSeldom) {
  EXPECT_EQ(sent_in_a_second(10, 50 * kMillisecond), 10u);
  EXPECT_EQ(sent_in_a_second(1, 1000 * kMillisecond), 1u);
}

TEST(Pacer, DoesNotMakeUpForALongStop) {
  Pacer pacer(100'000, 0);
  unsigned sent = 0;
  while (const unsigned due = pacer.take(5000 * kMillisecond, 32)) sent += due;
  EXPECT_EQ(sent, 1000u);  // ten milliseconds' worth
}

TEST(Pacer, SaysHowLongToWait) {
  Pacer pacer(1000, 0);
  EXPECT_EQ(pacer.take(0, 32), 0u);
  EXPECT_EQ(pacer.wait_ns(0), kMillisecond);
  EXPECT_EQ(pacer.wait_ns(kMillisecond / 4), kMillisecond * 3 / 4);
  EXPECT_EQ(pacer.take(kMillisecond - 1, 32), 0u);
  EXPECT_EQ(pacer.take(kMillisecond, 32), 1u);
  EXPECT_EQ(pacer.wait_ns(kMillisecond), kMillisecond);
}

TEST(Pacer, WithoutARateEverythingIsDue) {
  Pacer pacer(0, 0);
  EXPECT_EQ(pacer.take(0, 32), 32u);
  EXPECT_EQ(pacer.take(0, 32), 32u);
  EXPECT_EQ(pacer.wait_ns(0), 0u);
}

}  // namespace
}  // namespace guideway::pktgen
