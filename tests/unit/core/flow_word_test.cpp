// SPDX-License-Identifier: Apache-2.0
// A word of the flow table: its parts, its age, what the sweep leaves of it.
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/flow_table.h"

#include <gtest/gtest.h>

namespace guideway::test {
namespace {

TEST(FlowWord, HoldsItsParts) {
  const std::uint64_t word = gw_flow_word(0xdeadbeef, 0x1234, GW_FLOW_CLOSING, 8191 + 8192 * 5);
  EXPECT_EQ(gw_flow_tag(word), 0xdeadbeefu);
  EXPECT_EQ(gw_flow_backend(word), 0x1234u);
  EXPECT_EQ(gw_flow_state(word), std::uint32_t{GW_FLOW_CLOSING});
  EXPECT_FALSE(gw_flow_marked(word));
  EXPECT_TRUE(gw_flow_marked(word | GW_FLOW_MARK));
  EXPECT_EQ(gw_flow_state(word | GW_FLOW_MARK), std::uint32_t{GW_FLOW_CLOSING});
  EXPECT_EQ(gw_flow_age(word, 8192 * 6), 1u);
}

TEST(FlowWord, ExpiresOneSecondAfterItsTimeoutWhateverTheClockShows) {
  for (const std::uint32_t timeout_s : {1u, 59u, 60u, 61u, 350u, 4095u}) {
    for (const std::uint32_t now_s : {0u, 5u, 4096u, 8190u, 8191u, 8192u, 100000u, 0xffffffffu}) {
      const std::uint64_t word = gw_flow_word(1, 1, GW_FLOW_ESTABLISHED, now_s);
      EXPECT_FALSE(gw_flow_expired(word, now_s, timeout_s));
      EXPECT_FALSE(gw_flow_expired(word, now_s + timeout_s, timeout_s));
      EXPECT_TRUE(gw_flow_expired(word, now_s + timeout_s + 1, timeout_s));
      EXPECT_FALSE(gw_flow_expired(word, now_s - 1, timeout_s)) << "another core's clock is ahead";
    }
  }
}

/// The sweep comes only every ten seconds, and not to the second.
TEST(FlowWord, StaysExpiredUntilTheClockHasNearlyWrapped) {
  for (const std::uint32_t timeout_s : {1u, 350u, 4095u}) {
    const std::uint64_t word = gw_flow_word(1, 1, GW_FLOW_ESTABLISHED, 123);
    for (std::uint32_t age_s = timeout_s + 1; age_s < 8192 - 16; ++age_s) {
      ASSERT_TRUE(gw_flow_expired(word, 123 + age_s, timeout_s)) << age_s;
    }
    for (std::uint32_t ahead_s = 1; ahead_s <= 16; ++ahead_s) {
      ASSERT_FALSE(gw_flow_expired(word, 123 - ahead_s, timeout_s)) << ahead_s;
    }
  }
}

TEST(FlowWord, ClosingExpiresAfterAMinuteAtMost) {
  const std::uint64_t word = gw_flow_word(1, 1, GW_FLOW_CLOSING, 0);
  EXPECT_FALSE(gw_flow_expired(word, 60, 350));
  EXPECT_TRUE(gw_flow_expired(word, 61, 350));
  EXPECT_TRUE(gw_flow_expired(word, 31, 30));
}

TEST(FlowSwept, ClearsMarksOrLeavesAlone) {
  const std::uint64_t word = gw_flow_word(9, 3, GW_FLOW_ESTABLISHED, 100);
  EXPECT_EQ(gw_flow_swept(word, 110, 350, 0), word);
  EXPECT_EQ(gw_flow_swept(word, 110, 350, 1), word | GW_FLOW_MARK);
  EXPECT_EQ(gw_flow_swept(word | GW_FLOW_MARK, 110, 350, 0), word | GW_FLOW_MARK);
  EXPECT_EQ(gw_flow_swept(word, 451, 350, 1), 0u) << "expired";
  EXPECT_EQ(gw_flow_swept(word, 110, 0, 1), 0u) << "no such backend";
  EXPECT_EQ(gw_flow_swept(0, 110, 350, 1), 0u) << "empty";
}

TEST(FlowMatch, FindsExactlyTheWaysWithTheTag) {
  gw_flow_bucket bucket{};
  for (std::uint32_t pattern = 0; pattern < 256; ++pattern) {
    for (std::uint32_t way = 0; way < GW_FLOW_WAYS; ++way) {
      const std::uint32_t tag = pattern >> way & 1 ? 0x80000001u : 0x80000000u + (way << 8);
      bucket.words[way] = gw_flow_word(tag, way, GW_FLOW_ESTABLISHED, 1);
    }
    EXPECT_EQ(gw_flow_match(&bucket, 0x80000001u), pattern);
    EXPECT_EQ(gw_flow_match_plain(&bucket, 0x80000001u), pattern);
  }
}

TEST(FlowStates, SayHowManyWaysAreEmptyOrOnProbation) {
  for (std::uint32_t pattern = 0; pattern < 1u << 16; ++pattern) {
    gw_flow_bucket bucket{};
    std::uint32_t empty = 0;
    std::uint32_t probation = 0;
    for (std::uint32_t way = 0; way < GW_FLOW_WAYS; ++way) {
      const std::uint32_t state = pattern >> 2 * way & 3;
      if (state != GW_FLOW_EMPTY) bucket.words[way] = gw_flow_word(7, 0xffff, state, 8191);
      if (state == GW_FLOW_EMPTY) empty |= 1u << 2 * way;
      if (state == GW_FLOW_PROBATION) probation |= 1u << 2 * way;
    }
    const std::uint32_t states = gw_flow_states(&bucket);
    ASSERT_EQ(states, pattern);
    ASSERT_EQ(gw_flow_states_plain(&bucket), pattern);
    ASSERT_EQ(gw_empty_ways(states), empty);
    ASSERT_EQ(gw_probation_ways(states), probation);
    ASSERT_EQ(gw_count_ways(empty), static_cast<std::uint32_t>(__builtin_popcount(empty)));
  }
}

TEST(FlowStates, TheWayThatIsPickedIsOneOfThose) {
  for (std::uint32_t pattern = 1; pattern < 256; ++pattern) {
    std::uint32_t ways = 0;
    for (std::uint32_t way = 0; way < GW_FLOW_WAYS; ++way) ways |= (pattern >> way & 1) << 2 * way;
    for (std::uint64_t turn = 0; turn < 8; ++turn) {
      const std::uint32_t way = gw_pick_way(ways, turn << 61 | 0x1234);
      ASSERT_TRUE(way < GW_FLOW_WAYS && (pattern >> way & 1)) << pattern << " " << turn;
    }
  }
}

}  // namespace
}  // namespace guideway::test
