// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/turns.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "flow_fixture.h"

namespace guideway::test {
namespace {

TEST(Turns, EveryRoundHasEachPlaceOnceFirstAndOnceSecond) {
  for (const std::uint32_t count : {2U, 3U, 4U, 10U, 97U}) {
    gw_turn turn{};
    for (std::uint32_t place = 0; turn.next == 0 || turn.next != 1; place++)
      gw_move_on(&turn, 3, count);  // to the end of the first round, which began elsewhere
    for (int round = 0; round < 5; round++) {
      std::set<std::uint32_t> firsts;
      std::set<std::uint32_t> seconds;
      for (std::uint32_t i = 0; i < count; i++) {
        const gw_candidates at = gw_move_on(&turn, 3, count);
        ASSERT_LT(at.first, count);
        ASSERT_LT(at.second, count);
        EXPECT_NE(at.first, at.second);
        EXPECT_EQ(at.first, i);
        firsts.insert(at.first);
        seconds.insert(at.second);
      }
      EXPECT_EQ(firsts.size(), count);
      EXPECT_EQ(seconds.size(), count);
    }
  }
}

TEST(Turns, InTimeEveryPlaceMeetsEveryOther) {
  constexpr std::uint32_t kCount = 12;
  gw_turn turn{};
  std::set<std::pair<std::uint32_t, std::uint32_t>> met;
  for (std::uint32_t i = 0; i < kCount * kCount; i++) {
    const gw_candidates at = gw_move_on(&turn, 0, kCount);
    met.emplace(at.first, at.second);
  }
  EXPECT_EQ(met.size(), kCount * (kCount - 1));
}

TEST(Turns, ARingOfOneHasOnePlace) {
  gw_turn turn{};
  for (int i = 0; i < 5; i++) {
    const gw_candidates at = gw_move_on(&turn, 0, 1);
    EXPECT_EQ(at.first, 0U);
    EXPECT_EQ(at.second, 0U);
  }
}

TEST(Turns, WorkersBeginInDifferentPlaces) {
  std::set<std::uint32_t> places;
  for (std::uint32_t shard = 0; shard < 8; shard++) {
    gw_turn turn{};
    places.insert(gw_move_on(&turn, shard, 100).first);
  }
  EXPECT_EQ(places.size(), 8U);
}

TEST(Turns, AnyContentsGivePlacesWithin) {
  for (const std::uint32_t next : {0U, 1U, 6U, 7U, 8U, 0xffffffffU})
    for (const std::uint32_t stride : {0U, 6U, 7U, 8U, 0xffffffffU}) {
      gw_turn turn{next, stride};
      for (int i = 0; i < 20; i++) {
        const gw_candidates at = gw_move_on(&turn, 63, 7);
        ASSERT_LT(at.first, 7U);
        ASSERT_LT(at.second, 7U);
      }
    }
}

class TurnsTest : public FlowTableTest {
 protected:
  void use(model::Scheduler scheduler, WorldSize size = {}) {
    start(size);
    model_.pools[0].scheduler = scheduler;
    ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  }
  /// Flow words of somebody else, in every way.
  void fill(std::uint32_t state) {
    for (gw_flow_bucket& bucket : world_.buckets())
      for (std::uint64_t& word : bucket.words)
        word = gw_flow_word(0xabcdef00 + ++tag_, 0, state, world_.now_s());
  }
  void empty() {
    for (gw_flow_bucket& bucket : world_.buckets()) bucket = {};
  }
  std::uint16_t slot_of(std::uint16_t port) {
    empty();
    return send(kAck, port).backend;
  }

  std::uint32_t tag_ = 0;
};

TEST_F(TurnsTest, RoundRobinGoesRoundInTheOrderOfTheFile) {
  use(model::Scheduler::kRoundRobin);
  const std::uint16_t first = send(kSyn, 1000).backend;
  for (std::uint16_t i = 1; i < 20; i++)
    EXPECT_EQ(send(kSyn, static_cast<std::uint16_t>(1000 + i)).backend, (first + i) % 8);
}

TEST_F(TurnsTest, AFlowThatFindsTheTableFullGoesByItsSlotFromTheFirstPacketOn) {
  use(model::Scheduler::kRoundRobin, {.buckets_per_shard = 4});
  for (std::uint16_t port = 1000; port < 1100; port++) {
    const std::uint16_t slot = slot_of(port);
    fill(GW_FLOW_ESTABLISHED);
    EXPECT_EQ(send(kSyn, port).backend, slot);
    EXPECT_EQ(send(kAck, port).backend, slot);
  }
}

TEST_F(TurnsTest, WhereNewFlowsPushOutEachOtherTheyGoByTheirSlots) {
  use(model::Scheduler::kRoundRobin, {.buckets_per_shard = 4});
  for (std::uint16_t port = 1000; port < 1100; port++) {
    const std::uint16_t slot = slot_of(port);
    fill(GW_FLOW_PROBATION);
    EXPECT_EQ(send(kSyn, port).backend, slot);
    fill(GW_FLOW_PROBATION);  // it has been pushed out
    EXPECT_EQ(send(kAck, port).backend, slot);
  }
}

TEST_F(TurnsTest, ANewConnectionOnOldPortsTakesATurnInItsOldPlace) {
  use(model::Scheduler::kRoundRobin);
  const std::uint16_t first = send(kSyn, 1000).backend;
  send(kAck, 1000);
  send(kFin | kAck, 1000);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_CLOSING});
  EXPECT_EQ(send(kSyn, 1000).backend, (first + 1) % 8);
  EXPECT_EQ(only_state(), std::uint32_t{GW_FLOW_PROBATION});
}

TEST_F(TurnsTest, ANewConnectionIsNotHeldForOneThatHasEndedInAnotherShard) {
  use(model::Scheduler::kRoundRobin, {.shards = 2});
  send(kSyn, 1000);
  send(kAck, 1000);
  send(kFin | kAck, 1000);
  send({.source_port = 1000}, 1);
  EXPECT_EQ(event(GW_EVENT_OTHER_SHARD, 1), 0U);
  const auto words = all_words();
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(gw_flow_state(words[1]), std::uint32_t{GW_FLOW_PROBATION});
}

TEST_F(TurnsTest, ADrainedBackendGetsNoTurn) {
  use(model::Scheduler::kWeightedLeastConnections);
  model_.pools[0].backends[2].state = model::AdminState::kDrain;
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  for (std::uint16_t port = 1000; port < 1200; port++) EXPECT_NE(send(kSyn, port).backend, 2);
}

TEST_F(TurnsTest, WithoutARingTheSlotsDecide) {
  use(model::Scheduler::kRoundRobin);
  gw_port port = world_.port();
  port.turn_count = 0;
  for (std::uint16_t number = 1000; number < 1050; number++) {
    const std::uint16_t slot = slot_of(number);
    empty();
    Frame frame(make_frame({.source_port = number}));
    EXPECT_EQ(gw_balance(&port, frame.packet(), world_.now_s()).backend, slot);
  }
}

}  // namespace
}  // namespace guideway::test
