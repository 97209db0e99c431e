// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/sweeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "fakes.h"
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/nat_table.h"

namespace guideway::control {
namespace {

constexpr std::uint32_t kNow = 5000;

/// Backends 0 and 1 exist, with timeouts of 300 s and 20 s.
compile::ForwardingState make_state() {
  compile::ForwardingState state;
  state.header.generation = 9;
  state.backends.resize(2);
  state.backends[0].flags = GW_BACKEND_USED;
  state.backends[0].sweep_timeout_s = 300;
  state.backends[1].flags = GW_BACKEND_USED;
  state.backends[1].sweep_timeout_s = 20;
  return state;
}

class SweeperTest : public testing::Test {
 protected:
  SweepResult whole_walk(const std::vector<bool>& reset = {}) {
    return sweeper_.step(state_, reset, kNow, sweeper_.bucket_count()).value();
  }
  std::uint64_t put(std::size_t bucket, std::uint32_t backend, std::uint32_t state,
                    std::uint32_t age_s) {
    const std::uint64_t word = gw_flow_word(1234, backend, state, kNow - age_s);
    gw_flow_store(&datapath_.word(bucket, 2), word);
    return word;
  }
  std::uint64_t at(std::size_t bucket) { return gw_flow_load(&datapath_.word(bucket, 2)); }

  FakeDatapath datapath_{10};
  Sweeper sweeper_{datapath_.flow_table()};
  compile::ForwardingState state_ = make_state();
};

TEST_F(SweeperTest, ClearsWhatIsOlderThanItsBackendsTimeout) {
  const std::uint64_t young = put(0, 0, GW_FLOW_ESTABLISHED, 300);
  put(1, 0, GW_FLOW_ESTABLISHED, 301);
  const std::uint64_t short_lived = put(2, 1, GW_FLOW_ESTABLISHED, 20);
  put(3, 1, GW_FLOW_PROBATION, 21);
  put(4, 0, GW_FLOW_CLOSING, GW_CLOSING_TIMEOUT_S + 1);
  const SweepResult result = whole_walk();
  EXPECT_EQ(at(0), young);
  EXPECT_EQ(at(1), 0u);
  EXPECT_EQ(at(2), short_lived);
  EXPECT_EQ(at(3), 0u);
  EXPECT_EQ(at(4), 0u);
  EXPECT_EQ(result.cleared, 3u);
  EXPECT_EQ(result.generation, 9u);
  EXPECT_EQ(result.ended_s, kNow);
}

TEST_F(SweeperTest, CountsEstablishedFlowsAsLiveAndAllEntriesAsHeld) {
  put(0, 0, GW_FLOW_ESTABLISHED, 0);
  put(1, 0, GW_FLOW_PROBATION, 0);
  put(2, 0, GW_FLOW_CLOSING, 0);
  put(3, 1, GW_FLOW_ESTABLISHED, 0);
  const SweepResult result = whole_walk();
  EXPECT_EQ(result.live[0], 1u);
  EXPECT_EQ(result.held[0], 3u);
  EXPECT_EQ(result.live[1], 1u);
  EXPECT_EQ(result.held[1], 1u);
  EXPECT_EQ(result.held[2], 0u);
}

TEST_F(SweeperTest, ClearsEntriesOfBackendsThatDoNotExist) {
  put(0, 7, GW_FLOW_ESTABLISHED, 2);
  state_.backends[1].flags = 0;
  put(1, 1, GW_FLOW_ESTABLISHED, 2);
  whole_walk();
  EXPECT_EQ(at(0), 0u);
  EXPECT_EQ(at(1), 0u);
}

// Its flow could not find it again, if it took a turn.
TEST_F(SweeperTest, LeavesAnEntryThatABackendOfTheNextGenerationHasJustGot) {
  const std::uint64_t fresh = put(0, 7, GW_FLOW_PROBATION, 1);
  EXPECT_EQ(whole_walk().held[7], 1u);
  EXPECT_EQ(at(0), fresh);
}

TEST_F(SweeperTest, MarksTheFlowsThatAreToBeReset) {
  const std::uint64_t kept = put(0, 0, GW_FLOW_ESTABLISHED, 1);
  const std::uint64_t marked = put(1, 1, GW_FLOW_ESTABLISHED, 1);
  const SweepResult result = whole_walk({false, true});
  EXPECT_EQ(at(0), kept);
  EXPECT_EQ(at(1), marked | GW_FLOW_MARK);
  EXPECT_EQ(result.held[1], 1u);
}

TEST_F(SweeperTest, AWalkInSlicesSeesEveryBucketOnce) {
  for (std::size_t bucket = 0; bucket < 10; bucket++) put(bucket, 0, GW_FLOW_ESTABLISHED, 0);
  EXPECT_TRUE(sweeper_.at_start());
  EXPECT_FALSE(sweeper_.step(state_, {}, kNow, 4));
  EXPECT_FALSE(sweeper_.at_start());
  EXPECT_FALSE(sweeper_.step(state_, {}, kNow, 4));
  const auto result = sweeper_.step(state_, {}, kNow, 4);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->live[0], 10u);
  EXPECT_TRUE(sweeper_.at_start());
}

/// A NAT table of one plane beside an empty flow table.
class NatSweepTest : public testing::Test {
 protected:
  NatSweepTest() : nat_(GW_NAT_PLANE) {
    state_.nat_addresses.resize(1);
    state_.nat_addresses[0].family = GW_FAMILY_4;
  }
  /// An established TCP flow of `backend`, last seen so long ago.
  std::uint64_t& put(std::size_t bucket, std::uint32_t backend, std::uint32_t age_s) {
    gw_nat_entry& entry = nat_[bucket].entries[2];
    entry.tail = gw_nat_tail(0, GW_PROTO_TCP, GW_FAMILY_4);
    entry.settings = gw_nat_settings(300, 0);
    entry.client_word = std::uint64_t{GW_NAT_SEEN | GW_NAT_CONFIRMED} << 32 | (kNow - age_s);
    entry.backend_word = std::uint64_t{GW_NAT_SEEN} << 32 | (kNow - age_s);
    return nat_[bucket].ways.words[2] = gw_nat_word(77, backend, GW_NAT_VALID, 5);
  }
  SweepResult whole_walk(const std::vector<bool>& reset = {}) {
    return sweeper_.step(state_, reset, kNow, sweeper_.bucket_count()).value();
  }

  FakeDatapath datapath_{10};
  std::vector<gw_nat_bucket> nat_;
  Sweeper sweeper_{datapath_.flow_table(), {nat_, 1}};
  compile::ForwardingState state_ = make_state();
};

TEST_F(NatSweepTest, FreesWhatIsOverAndCountsTheRest) {
  const std::uint64_t& stays = put(1, 0, 300);
  const std::uint64_t& over = put(2, 0, 301);
  const std::uint64_t& other = put(GW_NAT_PLANE - 1, 1, 10);
  const SweepResult result = whole_walk();
  EXPECT_EQ(gw_nat_state(stays), GW_NAT_VALID);
  EXPECT_EQ(gw_nat_state(over), GW_NAT_FREE);
  EXPECT_EQ(gw_nat_upper(over), kNow) << "free since now";
  EXPECT_EQ(gw_nat_state(other), GW_NAT_VALID);
  EXPECT_EQ(result.cleared, 1U);
  EXPECT_EQ(result.live[0], 1U);
  EXPECT_EQ(result.held[1], 1U);
  EXPECT_EQ(result.nat_ports[0], 2U);
}

TEST_F(NatSweepTest, FreesFlowsOfUnknownBackendsButTheYoungest) {
  const std::uint64_t& old = put(1, 40, 2);
  const std::uint64_t& young = put(2, 40, 1);
  whole_walk();
  EXPECT_EQ(gw_nat_state(old), GW_NAT_FREE);
  EXPECT_EQ(gw_nat_state(young), GW_NAT_VALID);
}

TEST_F(NatSweepTest, FreesFlowsOfAnAddressThatIsGone) {
  const std::uint64_t& word = put(1, 0, 10);
  state_.nat_addresses[0].family = 0;
  whole_walk();
  EXPECT_EQ(gw_nat_state(word), GW_NAT_FREE);
}

TEST_F(NatSweepTest, MarksFlowsThatAreToBeReset) {
  const std::uint64_t& word = put(1, 1, 10);
  const std::uint64_t& other = put(2, 0, 10);
  whole_walk({false, true});
  EXPECT_TRUE(gw_nat_marked(word));
  EXPECT_FALSE(gw_nat_marked(other));
}

TEST_F(NatSweepTest, LeavesThePlanesHeaderAlone) {
  auto* bytes = reinterpret_cast<std::uint8_t*>(&nat_[0]);
  std::fill_n(bytes, sizeof(gw_nat_bucket), std::uint8_t{0x5a});
  whole_walk();
  EXPECT_TRUE(std::all_of(bytes, bytes + sizeof(gw_nat_bucket),
                          [](std::uint8_t byte) { return byte == 0x5a; }));
}

/// As an adopted table may have them.
TEST_F(NatSweepTest, AnyBytesAreFreedOrCountedOnce) {
  std::mt19937_64 random(7);
  const auto fill = [&](auto& words) {
    for (std::uint64_t& word : words) word = random();
  };
  for (gw_nat_bucket& bucket : nat_) {
    fill(bucket.ways.words);
    for (gw_nat_entry& entry : bucket.entries) {
      auto words = std::bit_cast<std::array<std::uint64_t, sizeof entry / 8>>(entry);
      fill(words);
      entry = std::bit_cast<gw_nat_entry>(words);
      if (random() % 2 == 0) entry.client_word = random() << 32 | (kNow - random() % 1000);
    }
    for (std::uint64_t& word : bucket.ways.words)  // half of them of backends that exist
      if (random() % 2 == 0) word &= ~(std::uint64_t{0xfffe} << 16);
  }
  const SweepResult first = whole_walk();
  const auto are_valid = [](const gw_nat_bucket& bucket) {
    return std::ranges::count(bucket.ways.words, GW_NAT_VALID, gw_nat_state);
  };
  const auto left = std::transform_reduce(nat_.begin() + 1, nat_.end(), std::int64_t{0},
                                          std::plus<>(), are_valid);
  EXPECT_GT(first.cleared, 1000U);
  EXPECT_GT(left, 1000);
  const SweepResult again = whole_walk();
  EXPECT_EQ(again.cleared, 0U);
  EXPECT_EQ(again.nat_ports[0], left);
  EXPECT_EQ(std::reduce(again.held.begin(), again.held.end(), std::uint64_t{0}), left);
  EXPECT_EQ(first.held, again.held);
  EXPECT_EQ(first.live, again.live);
}

}  // namespace
}  // namespace guideway::control
