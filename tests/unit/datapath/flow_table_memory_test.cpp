// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/flow_table_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace guideway::datapath::dpdk {
namespace {

TEST(FlowTableMemory, HasRoomForTheFlowsAtItsLoad) {
  const auto table = FlowTableMemory::make(1'000'000, 3);
  ASSERT_TRUE(table);
  const FlowTableView view = table->view();
  EXPECT_EQ(view.shard_count, 3u);
  EXPECT_EQ(view.buckets.size(), std::size_t{3} * view.buckets_per_shard);
  const std::size_t words = view.buckets.size() * GW_FLOW_WAYS;
  EXPECT_GE(words * kFlowLoadPercent / 100, 1'000'000u);
  EXPECT_LT(words, 1'340'000u);
}

TEST(FlowTableMemory, IsZeroedAndAligned) {
  const auto table = FlowTableMemory::make(1, 1);
  ASSERT_TRUE(table);
  const FlowTableView view = table->view();
  ASSERT_FALSE(view.buckets.empty());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.buckets.data()) % 64, 0u);
  for (const gw_flow_bucket& bucket : view.buckets) {
    EXPECT_TRUE(std::all_of(std::begin(bucket.words), std::end(bucket.words),
                            [](std::uint64_t word) { return word == 0; }));
  }
}

}  // namespace
}  // namespace guideway::datapath::dpdk
