// SPDX-License-Identifier: Apache-2.0
// Who shares a status with whom.
#include "guideway/control/recent_status.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace guideway::control {
namespace {

using std::chrono::milliseconds;

class RecentStatusTest : public testing::Test {
 protected:
  /// Each takes `cost` of the clock's time.
  std::shared_ptr<const Status> get(std::uint64_t revision = 1, std::uint64_t generation = 1) {
    return recent_.get(
        {revision, generation},
        [this] {
          taken_++;
          now_ += cost_;
          return Status{};
        },
        [this] { return now_; });
  }

  RecentStatus recent_;
  RecentStatus::Time now_{std::chrono::hours(1)};
  milliseconds cost_{8};
  int taken_ = 0;
};

TEST_F(RecentStatusTest, ManyWhoAskAtOnceShareOne) {
  const auto first = get();
  for (int i = 0; i < 100; i++) EXPECT_EQ(get(), first);
  now_ += 10 * cost_ - milliseconds(1);
  EXPECT_EQ(get(), first);
  EXPECT_EQ(taken_, 1);
  now_ += milliseconds(1);
  EXPECT_NE(get(), first);
  EXPECT_EQ(taken_, 2);
}

TEST_F(RecentStatusTest, OneThatCostNothingIsTakenAnew) {
  cost_ = milliseconds(0);
  get();
  get();
  EXPECT_EQ(taken_, 2);
}

TEST_F(RecentStatusTest, OneThatCostMuchIsNotGivenForLong) {
  cost_ = std::chrono::seconds(1);
  get();
  now_ += RecentStatus::kLongest;
  get();
  EXPECT_EQ(taken_, 2);
}

TEST_F(RecentStatusTest, WhoHasChangedSomethingSeesIt) {
  get(1, 1);
  get(2, 1);
  EXPECT_EQ(taken_, 2);
  get(2, 2);
  EXPECT_EQ(taken_, 3);
  get(2, 2);
  EXPECT_EQ(taken_, 3);
}

}  // namespace
}  // namespace guideway::control
