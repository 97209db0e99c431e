// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/loads.h"

#include <gtest/gtest.h>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/turns.h"

namespace guideway::control {
namespace {

constexpr std::size_t kBackends = 4;

/// Two workers; backends 0 and 1 are in a pool that goes by load, 2 in one that does not.
class LoadsTest : public testing::Test {
 protected:
  LoadsTest() {
    state_.pool_info.resize(2);
    state_.pool_info[0].scheduler = model::Scheduler::kLeastConnections;
    state_.pool_info[1].scheduler = model::Scheduler::kWeightedRoundRobin;
    state_.backends.resize(3);
    state_.backends[2].pool = 1;
  }

  std::uint64_t load(std::vector<gw_traffic>& row, std::uint32_t backend) {
    gw_port port{};
    port.backend_traffic = row.data();
    port.backend_traffic_count = kBackends;
    return gw_load_of(&port, backend);
  }
  void walk(const std::vector<std::uint32_t>& live) {
    loads_.begin_walk();
    loads_.end_walk(live);
    loads_.tell(state_);
  }

  std::vector<gw_traffic> first_ = std::vector<gw_traffic>(kBackends);
  std::vector<gw_traffic> second_ = std::vector<gw_traffic>(kBackends);
  compile::ForwardingState state_;
  Loads loads_{{first_, second_}};
};

TEST_F(LoadsTest, EveryWorkerLearnsWhatTheSweepCounted) {
  first_[0].flows = 900;
  second_[0].flows = 50;
  walk({700, 3});
  EXPECT_EQ(load(first_, 0), 700U);
  EXPECT_EQ(load(second_, 0), 700U);
  EXPECT_EQ(load(first_, 1), 3U);
}

TEST_F(LoadsTest, AWorkersOwnFlowsCountAtOnceThoseOfOthersWhenTold) {
  walk({700, 0});
  first_[0].flows += 10;
  EXPECT_EQ(load(first_, 0), 710U);
  EXPECT_EQ(load(second_, 0), 700U);
  loads_.tell(state_);
  EXPECT_EQ(load(first_, 0), 710U);
  EXPECT_EQ(load(second_, 0), 710U);
}

TEST_F(LoadsTest, TheNextWalkReplacesWhatWasMadeBeforeIt) {
  walk({700, 0});
  first_[0].flows += 1000;
  walk({120, 0});
  EXPECT_EQ(load(first_, 0), 120U);
}

TEST_F(LoadsTest, HalfOfWhatIsMadeDuringAWalkWasCountedByIt) {
  loads_.begin_walk();
  first_[1].flows += 60;
  second_[1].flows += 40;
  loads_.end_walk(std::vector<std::uint32_t>{0, 500});
  loads_.tell(state_);
  EXPECT_EQ(load(first_, 1), 550U);
  EXPECT_EQ(load(second_, 1), 550U);
}

TEST_F(LoadsTest, BeforeTheFirstWalkOnlyNewFlowsCount) {
  first_[0].flows = 5;
  loads_.tell(state_);
  EXPECT_EQ(load(second_, 0), 5U);
}

TEST_F(LoadsTest, OtherPoolsAreLeftAlone) {
  first_[2].load_offset = 77;
  walk({1, 1, 1});
  EXPECT_EQ(first_[2].load_offset, 77U);
}

TEST_F(LoadsTest, MoreIdsThanThereAreRowsForDoNoHarm) {
  state_.backends.resize(100);
  walk(std::vector<std::uint32_t>(100, 9));
  EXPECT_EQ(load(first_, 3), 9U);
}

}  // namespace
}  // namespace guideway::control
