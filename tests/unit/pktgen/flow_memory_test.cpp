// SPDX-License-Identifier: Apache-2.0
#include "flow_memory.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace guideway::pktgen {
namespace {

TEST(FlowMemory, SeesTheFirstPacketOfAFlowOnce) {
  FlowMemory memory(2);
  EXPECT_TRUE(memory.see({1, 500}, 1).first_of_flow);
  EXPECT_FALSE(memory.see({1, 501}, 1).first_of_flow);
  EXPECT_TRUE(memory.see({0, 0}, 1).first_of_flow);
}

TEST(FlowMemory, ReportsEachMoveAndEachMovedFlowOnce) {
  FlowMemory memory(1);
  memory.see({0, 0}, 1);
  EXPECT_FALSE(memory.see({0, 1}, 1).moved);
  auto seen = memory.see({0, 2}, 2);
  EXPECT_TRUE(seen.moved && seen.flow_moved);
  seen = memory.see({0, 3}, 2);
  EXPECT_FALSE(seen.moved || seen.flow_moved);
  seen = memory.see({0, 4}, 32767);
  EXPECT_TRUE(seen.moved);
  EXPECT_FALSE(seen.flow_moved);
}

TEST(FlowMemory, TellsDuplicatesFromLatePackets) {
  FlowMemory memory(1);
  memory.see({0, 10}, 1);
  EXPECT_TRUE(memory.see({0, 10}, 1).duplicate);
  EXPECT_FALSE(memory.see({0, 13}, 1).late);
  EXPECT_TRUE(memory.see({0, 12}, 1).late);
  EXPECT_TRUE(memory.see({0, 12}, 1).duplicate);
  EXPECT_TRUE(memory.see({0, 10}, 1).duplicate);
}

TEST(FlowMemory, TakesWhatIsLongerLateThanItsWindowForLate) {
  FlowMemory memory(1);
  memory.see({0, 100}, 1);
  memory.see({0, 100 + FlowMemory::kWindow}, 1);
  const auto seen = memory.see({0, 100}, 1);
  EXPECT_TRUE(seen.late);
  EXPECT_FALSE(seen.duplicate);
}

TEST(FlowMemory, CountsOverTheEndOfSequenceNumbers) {
  FlowMemory memory(1);
  memory.see({0, 0xffffffff}, 1);
  EXPECT_FALSE(memory.see({0, 0}, 1).late);
  EXPECT_TRUE(memory.see({0, 0xffffffff}, 1).duplicate);
}

TEST(FlowMemory, AgreesWithASetOfAllSequenceNumbers) {
  std::mt19937 random(1);
  FlowMemory memory(1);
  std::set<std::uint32_t> known = {50};
  memory.see({0, 50}, 1);
  for (int i = 0; i < 20'000; i++) {
    const std::uint32_t highest = *known.rbegin();
    const std::uint32_t sequence = highest + random() % 24 - (FlowMemory::kWindow - 1);
    const auto seen = memory.see({0, sequence}, 1);
    ASSERT_EQ(seen.duplicate, known.count(sequence) == 1) << sequence;
    ASSERT_EQ(seen.late, known.count(sequence) == 0 && sequence < highest) << sequence;
    known.insert(sequence);
  }
}

}  // namespace
}  // namespace guideway::pktgen
