// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/resets.h"

#include <gtest/gtest.h>

namespace guideway::control {
namespace {

using std::chrono::seconds;

class ResetsTest : public testing::Test {
 protected:
  ResetsTest() {
    state_.backend_info.resize(2);
    for (auto& info : state_.backend_info) {
      info.used = true;
      info.factors.reachable = true;
      info.reset_patience = seconds(3);
      info.return_patience = seconds(10);
    }
  }

  compile::BackendInfo& b1() { return state_.backend_info[1]; }
  bool due_after(seconds time) {
    now_ += time;
    const auto due = resets_.due(state_, now_);
    EXPECT_FALSE(due[0]);
    return due[1];
  }

  compile::ForwardingState state_;
  Resets resets_;
  Resets::Clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(ResetsTest, WhoIsUnhealthyIsResetOnceTheOthersAreProbedToo) {
  EXPECT_FALSE(due_after(seconds(1)));
  b1().resets_flows = true;
  EXPECT_FALSE(due_after(seconds(1)));
  EXPECT_FALSE(due_after(seconds(2)));
  EXPECT_TRUE(due_after(seconds(1)));
  EXPECT_TRUE(due_after(seconds(100)));
  b1().resets_flows = false;
  EXPECT_FALSE(due_after(seconds(1)));
  b1().resets_flows = true;
  EXPECT_FALSE(due_after(seconds(1))) << "it begins anew";
}

TEST_F(ResetsTest, WhoCanBeReachedAgainGetsTheTimeToShowThatItIsHealthy) {
  b1().resets_flows = true;
  EXPECT_FALSE(due_after(seconds(1)));
  b1().factors.reachable = false;  // our link is down: the checks fail, but nothing is reset
  b1().resets_flows = false;
  EXPECT_FALSE(due_after(seconds(30)));
  b1().factors.reachable = true;
  b1().resets_flows = true;
  EXPECT_FALSE(due_after(seconds(1)));
  EXPECT_FALSE(due_after(seconds(9)));
  EXPECT_TRUE(due_after(seconds(1))) << "the backend is ill itself";
}

TEST_F(ResetsTest, OnceItHasBeenHealthyTheUsualPatienceHolds) {
  b1().factors.reachable = false;
  EXPECT_FALSE(due_after(seconds(1)));
  b1().factors.reachable = true;
  EXPECT_FALSE(due_after(seconds(1)));
  b1().resets_flows = true;
  EXPECT_FALSE(due_after(seconds(1)));
  EXPECT_TRUE(due_after(seconds(3)));
}

TEST_F(ResetsTest, TheOperatorsWordIsCarriedOutAtOnce) {
  b1().resets_flows = true;
  b1().reset_patience = seconds(0);
  EXPECT_TRUE(due_after(seconds(0)));
}

}  // namespace
}  // namespace guideway::control
