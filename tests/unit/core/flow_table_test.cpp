// SPDX-License-Identifier: Apache-2.0
// The rules of the flow table, one by one. flow_model_test.cpp has them all at once, at random.
#include <gtest/gtest.h>

#include "tests/unit/core/flow_fixture.h"

namespace guideway::test {
namespace {

TEST_F(FlowTableTest, FirstPacketIsOnProbationSecondEstablishes) {
  send(kSyn);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_PROBATION});
  send(kAck);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_ESTABLISHED});
  send(kSyn);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_ESTABLISHED}) << "a SYN lowers nothing";
  EXPECT_EQ(event(GW_EVENT_FLOW_NEW), 1u);
  EXPECT_EQ(event(GW_EVENT_FLOW_HIT), 2u);
}

TEST_F(FlowTableTest, EveryKindOfFirstPacketIsOnProbation) {
  std::uint16_t port = 1;
  for (const std::uint8_t flags : {std::uint8_t{0}, kSyn, kAck, kFin, kRst, std::uint8_t{0xff}}) {
    start({.buckets_per_shard = 4});
    send(flags, port++);
    EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_PROBATION}) << "flags " << int{flags};
  }
}

TEST_F(FlowTableTest, FinAndRstCloseAndClosingStaysClosing) {
  for (const std::uint8_t last : {kFin, kRst}) {
    start({.buckets_per_shard = 4});
    send(kSyn);
    send(kAck);
    send(static_cast<std::uint8_t>(last | kAck));
    EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_CLOSING});
    send(kAck);
    EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_CLOSING});
    EXPECT_EQ(event(GW_EVENT_FLOW_MISS), 1u);
  }
}

TEST_F(FlowTableTest, SynOnAClosingFlowStartsANewOneInTheSamePlace) {
  send(kSyn);
  send(kFin);
  const std::uint64_t before = only_word();
  send(kSyn);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_PROBATION});
  EXPECT_EQ(gw_flow_tag(only_word()), gw_flow_tag(before));
  EXPECT_EQ(event(GW_EVENT_FLOW_NEW), 2u);
}

TEST_F(FlowTableTest, TimeIsWrittenOncePerSecond) {
  send(kSyn);
  send(kAck);
  const std::uint64_t word = only_word();
  send(kAck);
  EXPECT_EQ(only_word(), word);
  world_.set_now_s(world_.now_s() + 1);
  send(kAck);
  EXPECT_EQ(only_word(), word + 1);
}

TEST_F(FlowTableTest, AnExpiredFlowIsAMissThatTakesItsOwnEntry) {
  send_udp();
  send_udp();
  world_.set_now_s(world_.now_s() + 31);
  send_udp();
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_PROBATION});
  EXPECT_EQ(event(GW_EVENT_FLOW_MISS), 2u);
}

TEST_F(FlowTableTest, AFlowStaysWhenItsBackendGetsNoNewOnes) {
  drain_all_but_first(true);
  const gw_outcome first = send(kSyn);
  model_.pools[0].backends[0].state = model::AdminState::kDrain;
  for (std::size_t i = 1; i < 8; ++i)
    model_.pools[0].backends[i].state = model::AdminState::kEnabled;
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  EXPECT_EQ(send(kAck).backend, first.backend);
  EXPECT_EQ(send(kSyn).backend, first.backend);
  EXPECT_NE(send(kSyn, 40001).backend, first.backend);
}

TEST_F(FlowTableTest, AHitOfAnotherPoolIsAMiss) {
  const gw_outcome first = send(kSyn);
  for (model::Service& service : model_.services) service.pool = model_.pools[1].name;
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  const gw_outcome second = send(kAck);
  EXPECT_NE(second.backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_FLOW_HIT), 0u);
  EXPECT_EQ(event(GW_EVENT_UNTRACKED_ESTABLISHED), 1u);
}

TEST_F(FlowTableTest, MarkedTcpIsResetUntilASynComes) {
  const gw_outcome first = send(kSyn);
  world_.sweep(first.backend);
  EXPECT_EQ(send(kAck).reason, GW_REASON_RESET_SENT);
  EXPECT_EQ(send(kAck).reason, GW_REASON_RESET_SENT) << "the mark stays";
  EXPECT_EQ(send(kRst).reason, GW_REASON_FORWARDED) << "a RST is not answered";
  EXPECT_EQ(send(kSyn).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(send(kAck).reason, GW_REASON_FORWARDED);
}

TEST_F(FlowTableTest, MarkedUdpIsChosenAnew) {
  const gw_outcome first = send_udp();
  world_.sweep(first.backend);
  EXPECT_EQ(send_udp().reason, GW_REASON_FORWARDED);
  EXPECT_EQ(event(GW_EVENT_FLOW_MISS), 2u);
  EXPECT_FALSE(gw_flow_marked(only_word()));
}

TEST_F(FlowTableTest, SourceKeysAreNotClosedByFin) {
  model_ = make_model({.hash = "source"});
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  send(kSyn);
  send(kFin);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_ESTABLISHED});
  send(kRst);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_ESTABLISHED});
  EXPECT_EQ(send(kSyn, 40001).backend, send(kSyn, 40002).backend);
  EXPECT_EQ(event(GW_EVENT_FLOW_NEW), 1u) << "one entry for the client";
}

TEST_F(FlowTableTest, CountsAWordWithoutStateAsEmpty) {
  for (gw_flow_bucket& bucket : world_.buckets()) {
    for (std::uint64_t& word : bucket.words) word = 0xffffffffffff0000u & ~(3u << 14);
  }
  EXPECT_EQ(send(kSyn).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(event(GW_EVENT_FLOW_NEW), 1u);
  EXPECT_EQ(event(GW_EVENT_FLOW_EVICTED), 0u);
}

TEST_F(FlowTableTest, AdoptedEntriesOfUnknownBackendsAreMisses) {
  send(kSyn);
  for (gw_flow_bucket& bucket : world_.buckets()) {
    for (std::uint64_t& word : bucket.words) {
      if (word != 0) word |= 0xffff0000u;
    }
  }
  EXPECT_EQ(send(kAck).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(event(GW_EVENT_FLOW_HIT), 0u);
}

/// Four shards: a flow whose packets come to another queue than before.
class ShardTest : public FlowTableTest {
 protected:
  void SetUp() override { start({.buckets_per_shard = 16, .shards = 4}); }
};

TEST_F(ShardTest, ATcpPacketWithoutSynFollowsItsFlowFromAnotherShard) {
  drain_all_but_first(true);
  const gw_outcome first = send({.tcp_flags = kSyn}, 2);
  drain_all_but_first(false);
  const gw_outcome moved = send({.tcp_flags = kAck}, 0);
  EXPECT_EQ(moved.backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 1u);
  EXPECT_EQ(event(GW_EVENT_UNTRACKED_ESTABLISHED, 0), 0u);
  EXPECT_EQ(send({.tcp_flags = kAck}, 0).backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_FLOW_HIT, 0), 1u) << "it has an entry here now";
  for (const std::uint64_t word : all_words()) EXPECT_EQ(gw_flow_backend(word), first.backend);
}

TEST_F(ShardTest, NewFlowsAndUdpAreNotLookedUpElsewhere) {
  send({.tcp_flags = kSyn}, 2);
  send({.tcp_flags = kSyn}, 0);
  send({.protocol = GW_PROTO_UDP}, 2);
  send({.protocol = GW_PROTO_UDP}, 0);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 0u);
  EXPECT_EQ(event(GW_EVENT_FLOW_NEW, 0), 2u);
}

/// The connections of one client come to several shards, but are to go to one backend.
class CoarseShardTest : public ShardTest {
 protected:
  void use_key(const char* hash) {
    start({.buckets_per_shard = 16, .shards = 4});
    model_ = make_model({.hash = hash});
    drain_all_but_first(true);
  }
};

TEST_F(CoarseShardTest, ANewConnectionGoesWhereItsClientIs) {
  for (const char* hash : {"source", "source_destination"}) {
    use_key(hash);
    const gw_outcome first = send({.source_port = 40000}, 2);
    drain_all_but_first(false);
    for (std::uint32_t shard = 0; shard < 4; ++shard) {
      const auto port = static_cast<std::uint16_t>(50000 + shard);
      EXPECT_EQ(send({.source_port = port, .tcp_flags = kSyn}, shard).backend, first.backend)
          << hash << ", shard " << shard;
      EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, shard), shard == 2 ? 0u : 1u);
      EXPECT_EQ(event(GW_EVENT_UNTRACKED_ESTABLISHED, shard), 0u);
    }
  }
}

TEST_F(CoarseShardTest, TheDestinationPortMayDifferUnderSourcePort) {
  use_key("source_port");
  const gw_outcome first = send({.protocol = GW_PROTO_UDP}, 1);
  drain_all_but_first(false);
  EXPECT_EQ(send({.protocol = GW_PROTO_UDP}, 3).backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 3), 1u);
}

TEST_F(CoarseShardTest, ADatagramGoesWhereItsClientIs) {
  use_key("source");
  const gw_outcome first = send({.protocol = GW_PROTO_UDP, .source_port = 1}, 2);
  drain_all_but_first(false);
  EXPECT_EQ(send({.protocol = GW_PROTO_UDP, .source_port = 2}, 0).backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 1u);
}

TEST_F(CoarseShardTest, AClientOfNoShardIsNoStranger) {
  use_key("source");
  send({.tcp_flags = kSyn}, 0);
  send({.protocol = GW_PROTO_UDP}, 0);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 0u);
  EXPECT_EQ(event(GW_EVENT_UNTRACKED_ESTABLISHED, 0), 0u);
}

TEST_F(CoarseShardTest, ANewConnectionDoesNotFollowItsClientToADrainedBackend) {
  use_key("source");
  const gw_outcome first = send({.tcp_flags = kSyn}, 2);
  drain_all_but_first(false);
  model_.pools[0].backends[0].state = model::AdminState::kDrain;
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  EXPECT_EQ(send({.source_port = 3, .tcp_flags = kAck}, 1).backend, first.backend);
  const gw_outcome moved = send({.source_port = 2, .tcp_flags = kSyn}, 0);
  EXPECT_NE(moved.backend, first.backend);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 0u);
  EXPECT_EQ(send({.source_port = 4, .tcp_flags = kSyn}, 3).backend, moved.backend);
}

TEST_F(ShardTest, MarkedAndExpiredEntriesElsewhereDoNotCount) {
  const gw_outcome first = send({.tcp_flags = kSyn}, 3);
  world_.set_now_s(world_.now_s() + 351);
  send({.tcp_flags = kAck}, 0);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 0u) << "expired";
  const gw_outcome second = send({.source_port = 50000, .tcp_flags = kSyn}, 3);
  world_.sweep(second.backend);
  send({.source_port = 50000, .tcp_flags = kAck}, 0);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 0u) << "marked";
  EXPECT_EQ(event(GW_EVENT_UNTRACKED_ESTABLISHED, 0), 2u);
  EXPECT_EQ(first.reason, GW_REASON_FORWARDED);
}

TEST_F(ShardTest, AClosedFlowElsewhereStaysClosing) {
  send({.tcp_flags = kSyn}, 1);
  send({.tcp_flags = kFin}, 1);
  send({.tcp_flags = kAck}, 0);
  for (const std::uint64_t word : all_words()) {
    EXPECT_EQ(gw_flow_state(word), std::uint32_t{GW_FLOW_CLOSING});
  }
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 0), 1u);
}

}  // namespace
}  // namespace guideway::test
