// SPDX-License-Identifier: Apache-2.0
// Generator → the load balancer's own packet logic → sink: what the product forwards is right.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "small_run.h"
#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::pktgen::test {
namespace {

using guideway::test::CoreWorld;
using guideway::test::Frame;
using guideway::test::PlainConfig;

/// (forwarding, outer family, VIP, protocol)
using ForwardedKind = std::tuple<std::string, int, std::string, Protocol>;

class CoreForwards : public testing::TestWithParam<ForwardedKind> {
 protected:
  RunSpec spec() const {
    return {.flows = 500, .vip = std::get<2>(GetParam()), .protocol = std::get<3>(GetParam())};
  }
  void publish(CoreWorld& world, int tags) const {
    const auto model = guideway::test::make_model(PlainConfig{
        .forwarding = std::get<0>(GetParam()), .outer_family = std::get<1>(GetParam())});
    ASSERT_TRUE(world.publish(model, guideway::test::all_resolved(model, tags)));
  }
  /// Sends packets [first, last) of the traffic through it.
  static void pass(SmallRun& run, CoreWorld& world, std::uint64_t first, std::uint64_t last) {
    const TrafficPattern traffic({.traffic = Traffic::kEstablished, .flows = 500});
    for (std::uint64_t i = first; i < last; i++) {
      Frame frame(run.sent(traffic.step(i)));
      ASSERT_EQ(world.balance(frame).verdict, GW_FORWARD);
      run.sink().take(frame.bytes());
    }
  }
};

TEST_P(CoreForwards, EveryPacketRightAndNoFlowMoves) {
  for (const int tags : {0, 2}) {
    CoreWorld world({.buckets_per_shard = 256});
    ASSERT_NO_FATAL_FAILURE(publish(world, tags));
    SmallRun run(spec());
    ASSERT_NO_FATAL_FAILURE(pass(run, world, 0, 2000));
    EXPECT_EQ(run.counts().received.get(), 2000u);
    EXPECT_EQ(run.counts().corrupt.get(), 0u);
    EXPECT_EQ(run.counts().flows_moved.get(), 0u);
    EXPECT_EQ(run.counts().duplicates.get() + run.counts().late.get(), 0u);
    EXPECT_EQ(run.sink().backends().size(), 8u);
    for (const BackendTotals& backend : run.sink().backends()) {
      EXPECT_EQ(backend.packets, backend.flows * 4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CoreForwards,
                         testing::Combine(testing::Values("l2dsr", "ipip", "vxlan", "gre", "gue"),
                                          testing::Values(4, 6),
                                          testing::Values("203.0.113.10", "2001:db8:203::10"),
                                          testing::Values(Protocol::kTcp, Protocol::kUdp)));

}  // namespace
}  // namespace guideway::pktgen::test
