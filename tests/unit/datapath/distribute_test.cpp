// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/distribute.h"

#include <gtest/gtest.h>

#include <vector>

#include "small_state.h"

namespace guideway::datapath::dpdk::testing {
namespace {

unsigned owner(const std::vector<std::uint8_t>& frame, unsigned workers) {
  return owner_of(frame.data(), frame.data() + frame.size(), workers);
}

TEST(Distribute, AllPacketsOfAFlowHaveOneOwner) {
  for (std::uint16_t port = 0; port < 200; port++) {
    EXPECT_EQ(owner(syn_frame(1, port), 7), owner(ack_frame(1, port, 500), 7));
  }
}

TEST(Distribute, SpreadsFlowsEvenly) {
  constexpr unsigned kWorkers = 5;
  constexpr unsigned kFlows = 10000;
  std::vector<unsigned> counts(kWorkers);
  for (unsigned i = 0; i < kFlows; i++) {
    const auto client = static_cast<std::uint8_t>(i % 50);
    const unsigned one = owner(syn_frame(client, static_cast<std::uint16_t>(i / 50)), kWorkers);
    ASSERT_LT(one, kWorkers);
    counts[one]++;
  }
  // Four standard deviations of a binomial: sqrt(10000 * 0.2 * 0.8) = 40.
  for (unsigned count : counts) EXPECT_NEAR(count, kFlows / kWorkers, 160);
}

TEST(Distribute, WhatIsNotIpGoesToTheFirstWorker) {
  EXPECT_EQ(owner(arp_frame(), 7), 0u);
  EXPECT_EQ(owner({1}, 7), 0u);
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
