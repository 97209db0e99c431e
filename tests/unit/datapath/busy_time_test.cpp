// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/busy_time.h"

#include <gtest/gtest.h>

namespace guideway::datapath::dpdk {
namespace {

constexpr std::uint64_t kHz = 2'600'000'000;

TEST(BusyTime, IsTheTimeOfRoundsThatHandledPackets) {
  BusyTime time(kHz);
  time.begin(1000 * kHz);
  time.round(1003 * kHz, 0);
  time.round(1004 * kHz, 32);
  time.round(1006 * kHz, 1);
  time.round(1007 * kHz, 0);
  EXPECT_EQ(time.busy_ns(), 3'000'000'000u);
  EXPECT_EQ(time.total_ns(), 7'000'000'000u);
}

TEST(BusyTime, IsRightAfterYears) {
  BusyTime time(kHz);
  time.begin(0);
  const std::uint64_t two_years_s = 2u * 365 * 24 * 3600;
  time.round(two_years_s * kHz + kHz / 2, 1);
  EXPECT_EQ(time.busy_ns(), two_years_s * 1'000'000'000u + 500'000'000u);
}

}  // namespace
}  // namespace guideway::datapath::dpdk
