// SPDX-License-Identifier: Apache-2.0
// gw_balance_burst() and its plain twin gw_balance() must not differ in anything: outcomes, bytes,
// counters, words of the flow table; whatever stands in a burst, also packets of one flow.
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/balance_burst.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/rounds.h"

namespace guideway::test {
namespace {

struct TwinCase {
  std::uint32_t seed;
  const char* forwarding;
  int outer_family;
  std::uint32_t flows;
  WorldSize size;
  const char* hash = "five_tuple";
  const char* scheduler = "maglev";
};

class BurstTest : public testing::TestWithParam<TwinCase> {
 protected:
  void SetUp() override {
    random_.seed(GetParam().seed);
    model_ = make_model({.forwarding = GetParam().forwarding,
                         .hash = GetParam().hash,
                         .outer_family = GetParam().outer_family,
                         .scheduler = GetParam().scheduler});
    publish();
  }

  void publish() {
    ASSERT_TRUE(plain_.publish(model_, all_resolved(model_, 1)));
    ASSERT_TRUE(burst_.publish(model_, all_resolved(model_, 1)));
  }

  std::uint32_t below(std::uint32_t limit) { return random_() % limit; }

  Bytes random_packet() {
    constexpr std::uint8_t kFlags[] = {0x02, 0x10, 0x18, 0x11, 0x04, 0x12};
    FrameSpec spec = below(2) ? FrameSpec{} : ipv6_spec();
    spec.protocol = below(3) ? GW_PROTO_TCP : GW_PROTO_UDP;
    spec.source_port = static_cast<std::uint16_t>(1000 + below(GetParam().flows));
    spec.destination_port = below(10) ? 80 : 53;
    spec.tcp_flags = kFlags[below(std::size(kFlags))];
    spec.ttl = static_cast<std::uint8_t>(below(20) ? 64 : below(3));
    spec.data_length = static_cast<std::uint16_t>(below(20) ? below(100) : 1400 + below(100));
    Bytes bytes = make_frame(spec);
    if (below(8) == 0) bytes[below(60) % bytes.size()] ^= static_cast<std::uint8_t>(1u << below(8));
    if (below(16) == 0) bytes.resize(1 + below(static_cast<std::uint32_t>(bytes.size())));
    return bytes;
  }

  void one_burst() {
    const std::uint32_t shard = below(GetParam().size.shards);
    const unsigned count = below(GW_BURST_MAX + 1);
    std::vector<Frame> ours, theirs;
    std::vector<gw_packet> packets;
    for (unsigned i = 0; i < count; ++i) {
      const Bytes bytes = random_packet();
      const std::size_t headroom = below(16) ? kHeadroom : below(64);
      ours.emplace_back(bytes, headroom);
      theirs.emplace_back(bytes, headroom);
      packets.push_back(*theirs.back().packet());
    }
    std::vector<gw_outcome> outcomes(count);
    gw_balance_burst(&burst_.port(shard), packets.data(), outcomes.data(), count, burst_.now_s());
    for (unsigned i = 0; i < count; ++i) {
      const gw_outcome outcome = plain_.balance(ours[i], shard);
      ASSERT_EQ(std::memcmp(&outcome, &outcomes[i], sizeof outcome), 0) << "packet " << i;
      ASSERT_EQ(ours[i].bytes(), Bytes(packets[i].data, packets[i].end)) << "packet " << i;
    }
  }

  void expect_equal_tables() {
    for (std::uint32_t shard = 0; shard < GetParam().size.shards; ++shard) {
      ASSERT_EQ(std::memcmp(&plain_.counters(shard), &burst_.counters(shard), sizeof(gw_counters)),
                0);
    }
    ASSERT_EQ(std::memcmp(plain_.buckets().data(), burst_.buckets().data(),
                          plain_.buckets().size() * sizeof(gw_flow_bucket)),
              0);
    ASSERT_EQ(std::memcmp(plain_.backend_traffic().data(), burst_.backend_traffic().data(),
                          plain_.backend_traffic().size() * sizeof(gw_traffic)),
              0);
    ASSERT_EQ(std::memcmp(plain_.service_traffic().data(), burst_.service_traffic().data(),
                          plain_.service_traffic().size() * sizeof(gw_traffic)),
              0);
  }

  /// Time, marks and drained backends.
  void change_the_world() {
    const std::uint32_t now_s = plain_.now_s() + below(50);
    const std::uint32_t marked = below(5) ? GW_NO_BACKEND : below(8);
    for (CoreWorld* world : {&plain_, &burst_}) {
      world->set_now_s(now_s);
      world->sweep(marked);
    }
    for (model::Backend& backend : model_.pools[0].backends) {
      backend.state = below(2) ? model::AdminState::kDrain : model::AdminState::kEnabled;
    }
    publish();
  }

  std::mt19937 random_;
  model::Model model_;
  CoreWorld plain_{GetParam().size};
  CoreWorld burst_{GetParam().size};
};

TEST_P(BurstTest, DoesWhatThePlainTwinDoes) {
  const auto bursts = static_cast<unsigned>(rounds(120, 300));
  for (unsigned i = 0; i < bursts; ++i) {
    ASSERT_NO_FATAL_FAILURE(one_burst()) << "burst " << i;
    ASSERT_NO_FATAL_FAILURE(expect_equal_tables()) << "burst " << i;
    if (below(10) != 0) continue;
    ASSERT_NO_FATAL_FAILURE(change_the_world());
  }
  const gw_counters& counters = plain_.counters();
  EXPECT_GT(counters.reasons[GW_REASON_FORWARDED], bursts / 3);
  EXPECT_GT(counters.events[GW_EVENT_FLOW_HIT], bursts / 10);
  EXPECT_GT(counters.events[GW_EVENT_FLOW_MISS], bursts / 3);
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, BurstTest,
    testing::Values(TwinCase{1, "l2dsr", 4, 8, {.buckets_per_shard = 64}},
                    TwinCase{2, "ipip", 6, 100, {.buckets_per_shard = 64}},
                    TwinCase{3, "vxlan", 4, 3000, {.buckets_per_shard = 64}},
                    TwinCase{4, "vxlan", 6, 300, {.buckets_per_shard = 2}},
                    TwinCase{5, "ipip", 4, 300, {.buckets_per_shard = 1}},
                    TwinCase{6, "l2dsr", 6, 200, {.buckets_per_shard = 16, .shards = 3}},
                    TwinCase{
                        7, "ipip", 4, 200, {.buckets_per_shard = 16, .shards = 7}, "source_port"},
                    TwinCase{8,
                             "ipip",
                             4,
                             2000,
                             {.buckets_per_shard = 64, .shards = 2},
                             "five_tuple",
                             "round_robin"},
                    TwinCase{9,
                             "l2dsr",
                             4,
                             300,
                             {.buckets_per_shard = 16, .shards = 2},
                             "source",
                             "weighted_least_connections"}));

/// Every packet ends in exactly one reason.
TEST(Account, PacketsInAreTheSumOfTheReasons) {
  CoreWorld world;
  const model::Model model = make_model();
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  std::mt19937 random(11);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = make_frame(i % 2 ? FrameSpec{} : ipv6_spec());
    bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    Frame frame(bytes);
    world.balance(frame);
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : world.counters().reasons) sum += count;
  EXPECT_EQ(sum, 20000u);
  EXPECT_EQ(world.counters().packets_in, 20000u);
}

TEST(Recount, TakesBackWhatAForwardedPacketCounted) {
  CoreWorld world;
  const model::Model model = make_model();
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  Frame frame(make_frame({}));
  const gw_outcome outcome = world.balance(frame);
  ASSERT_EQ(outcome.reason, GW_REASON_FORWARDED);
  EXPECT_EQ(world.backend_traffic()[outcome.backend].bytes, outcome.frame_length);
  gw_recount(&world.port(), &outcome, GW_REASON_TX_FULL);
  EXPECT_EQ(world.counters().reasons[GW_REASON_FORWARDED], 0u);
  EXPECT_EQ(world.counters().reasons[GW_REASON_TX_FULL], 1u);
  EXPECT_EQ(world.counters().packets_in, 1u);
  EXPECT_EQ(world.backend_traffic()[outcome.backend].packets, 0u);
  EXPECT_EQ(world.backend_traffic()[outcome.backend].bytes, 0u);
  EXPECT_EQ(world.service_traffic()[outcome.service].packets, 0u);
  EXPECT_EQ(world.service_traffic()[outcome.service].bytes, 0u);
}

}  // namespace
}  // namespace guideway::test
