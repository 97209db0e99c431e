// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/pool_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace guideway::compile {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

/// One backend a letter: H healthy, x unhealthy, w waiting, d drained. The later, the longer bad.
std::vector<GuardedBackend> backends(const std::string& letters) {
  std::vector<GuardedBackend> all;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    GuardedBackend backend;
    backend.key = {"web", IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(i + 1)}), 0};
    backend.factors.standing = letters[i] == 'x'   ? Standing::kUnhealthy
                               : letters[i] == 'w' ? Standing::kWaiting
                                                   : Standing::kHealthy;
    if (letters[i] == 'd') backend.factors.state = model::AdminState::kDrain;
    backend.bad_since = system_clock::time_point(seconds(1000 - i));
    all.push_back(backend);
  }
  return all;
}

/// A pool over several generations.
class Guarded {
 public:
  explicit Guarded(model::PanicPolicy policy) : policy_(std::move(policy)) {}

  /// Which backends get new flows, '+' or '-' each.
  std::string next(const std::string& letters, bool fallback_works = false) {
    auto all = backends(letters);
    plan = guard_pool(policy_, memory_, fallback_works, all);
    memory_ = plan.memory;
    std::string flows;
    for (const GuardedBackend& backend : all)
      flows += effective_weight(backend.factors).weight != 0 ? '+' : '-';
    return flows;
  }

  PoolPlan plan;

 private:
  model::PanicPolicy policy_;
  PoolMemory memory_;
};

TEST(PoolGuard, ByDefaultItFailsOpenWhenNoneIsHealthy) {
  Guarded pool{{}};
  EXPECT_EQ(pool.next("HxxxH"), "+---+");
  EXPECT_EQ(pool.plan.healthy_percent, 40U);
  EXPECT_EQ(pool.next("xxxxH"), "----+");
  EXPECT_EQ(pool.plan.state, PoolState::kNormal);
  EXPECT_EQ(pool.next("xxxxx"), "+++++");
  EXPECT_EQ(pool.plan.state, PoolState::kPanic);
  EXPECT_EQ(pool.plan.mode, PoolMode::kFailOpen);
}

TEST(PoolGuard, PanicEndsSomewhatAboveWhereItBegins) {
  Guarded pool{{.threshold = 50, .hysteresis = 20}};
  EXPECT_EQ(pool.next("HHHHHxxxxx"), "+++++-----") << "50 % is not below 50 %";
  EXPECT_EQ(pool.next("HHHHxxxxxx"), "++++++++++");
  EXPECT_EQ(pool.next("HHHHHxxxxx"), "++++++++++");
  EXPECT_EQ(pool.next("HHHHHHxxxx"), "++++++++++");
  EXPECT_EQ(pool.plan.state, PoolState::kPanic);
  EXPECT_EQ(pool.next("HHHHHHHxxx"), "+++++++---") << "70 %";
  EXPECT_EQ(pool.next("HHHHHHxxxx"), "++++++----") << "no panic before it is below 50 % again";
}

TEST(PoolGuard, AThresholdOf100EndsOnlyWhenAllAreHealthy) {
  Guarded pool{{.threshold = 100, .hysteresis = 50}};
  EXPECT_EQ(pool.next("HHHx"), "++++");
  EXPECT_EQ(pool.plan.state, PoolState::kPanic);
  EXPECT_EQ(pool.next("HHHH"), "++++");
  EXPECT_EQ(pool.plan.state, PoolState::kNormal);
}

TEST(PoolGuard, WeightsCountNotBackends) {
  auto all = backends("Hx");
  all[0].factors.configured = 1;
  all[1].factors.configured = 999;
  const PoolPlan plan = guard_pool({.threshold = 1}, {}, false, all);
  EXPECT_EQ(plan.state, PoolState::kPanic);
  EXPECT_EQ(plan.healthy_percent, 0U);
}

TEST(PoolGuard, WhatCannotBeUsedOrWasNotJudgedDoesNotCount) {
  Guarded pool{{.threshold = 60}};
  EXPECT_EQ(pool.next("HHxddd"), "++----") << "2 of 3";
  EXPECT_EQ(pool.next("HHxwww"), "++----");
  EXPECT_EQ(pool.plan.healthy_percent, 66U);
  EXPECT_EQ(pool.next("ddd"), "---");
  EXPECT_EQ(pool.plan.state, PoolState::kNormal) << "health says nothing of it";
  EXPECT_EQ(pool.next(""), "");
}

TEST(PoolGuard, BeforeTheFirstVerdictAllAreUsedWithoutPanic) {
  Guarded pool{{.threshold = 50}};
  EXPECT_EQ(pool.next("www"), "+++");
  EXPECT_EQ(pool.plan.state, PoolState::kInitial);
  EXPECT_EQ(pool.next("wHw"), "-+-");
}

TEST(PoolGuard, HoldStaysWithTheLastGoodSetAndThoseThatAreHealthy) {
  Guarded pool{{.threshold = 50, .hysteresis = 0, .action = model::PanicAction::kHold}};
  EXPECT_EQ(pool.next("HHHxxx"), "+++---");
  EXPECT_EQ(pool.next("HHxxxx"), "+++---") << "the third was good before the panic";
  EXPECT_EQ(pool.plan.mode, PoolMode::kHold);
  EXPECT_EQ(pool.next("xxxxxx"), "+++---");
  EXPECT_EQ(pool.next("xxxxHx"), "+++-+-");
  EXPECT_EQ(pool.next("HHxxHx"), "++--+-") << "out of panic";
  EXPECT_EQ(pool.plan.state, PoolState::kNormal);
}

TEST(PoolGuard, HoldWithNothingToHoldFailsOpen) {
  Guarded pool{{.threshold = 50, .action = model::PanicAction::kHold}};
  EXPECT_EQ(pool.next("xxx"), "+++");
  EXPECT_EQ(pool.plan.mode, PoolMode::kFailOpen);
}

TEST(PoolGuard, FallbackTakesAllIfItWorks) {
  Guarded pool{{.threshold = 50, .action = model::PanicAction::kFallback}};
  EXPECT_EQ(pool.next("Hxx", true), "---");
  EXPECT_EQ(pool.plan.mode, PoolMode::kFallback);
  EXPECT_EQ(pool.next("Hxx", false), "+++");
  EXPECT_EQ(pool.plan.mode, PoolMode::kFailOpen);
  EXPECT_EQ(pool.next("HHH", true), "+++");
}

TEST(PoolGuard, NoMoreThanMayBeIsEjectedFirstComeFirstOut) {
  Guarded pool{{.max_ejected_percent = 40}};
  EXPECT_EQ(pool.next("xxxHH"), "+--++") << "the first one failed last";
  EXPECT_EQ(pool.plan.state, PoolState::kNormal);
  EXPECT_EQ(pool.next("xxHHH"), "--+++");
  Guarded none{{.max_ejected_percent = 0}};
  EXPECT_EQ(none.next("xxHHH"), "+++++");
}

}  // namespace
}  // namespace guideway::compile
