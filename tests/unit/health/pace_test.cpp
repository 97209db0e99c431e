// SPDX-License-Identifier: Apache-2.0
// When the checker probes, and how long it takes to find things out: under a virtual clock, so the
// figures are exact.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../../support/captured_log.h"
#include "guideway/health/checker.h"
#include "guideway/health/flap_damper.h"
#include "virtual_environment.h"

namespace guideway::health {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Time = Environment::Time;

model::Pool pool_of(const std::string& name, int backends, const model::HealthCheck& check) {
  model::Pool pool{.name = name};
  for (int i = 0; i < backends; ++i)
    pool.backends.push_back({.name = "b" + std::to_string(i),
                             .address = IpAddress::v4({10, 0, static_cast<std::uint8_t>(i / 250),
                                                       static_cast<std::uint8_t>(i % 250 + 1)})});
  pool.health_check = check;
  return pool;
}

class PaceTest : public testing::Test {
 protected:
  /// A check with interval 1 s and timeout 400 ms, thresholds 3 up and 2 down.
  static model::HealthCheck check() {
    model::HealthCheck result;
    result.interval = milliseconds(1000);
    result.timeout = milliseconds(400);
    result.healthy_threshold = 3;
    result.unhealthy_threshold = 2;
    return result;
  }
  void follow(std::vector<model::Pool> pools) {
    model::Model model;
    for (const model::Pool& pool : pools)
      model.services.push_back({.name = pool.name, .port = 80, .pool = pool.name});
    model.pools = std::move(pools);
    checker_.follow(model);
  }
  std::pair<ProbeOutcome, milliseconds> answer(const ProbeRequest& request, Time now) const {
    if (works_(now)) return {{}, milliseconds(5)};
    return {{Reason::kTimeout, "no answer in time", {}}, request.timeout};
  }
  Verdict verdict(const std::string& pool = "web") const {
    for (const auto& [key, verdict] : checker_.verdicts())
      if (key.pool == pool) return verdict;
    return {};
  }

  std::function<bool(Time)> works_ = [](Time) { return true; };
  VirtualEnvironment world_{
      [this](const ProbeRequest& request, Time now) { return answer(request, now); }};
  std::vector<std::pair<Time, Change>> changes_;
  Checker checker_{world_,
                   [this](const Change& change) { changes_.emplace_back(world_.now(), change); }};
};

TEST_F(PaceTest, ADeadBackendIsFoundWithinThresholdTimesIntervalWithJitterPlusTimeout) {
  world_.jitter = 1;  // the longest
  follow({pool_of("web", 1, check())});
  world_.pass(milliseconds(10'000));
  ASSERT_EQ(changes_.size(), 1U);
  // It dies just after a probe has started: the worst moment.
  const Time died = world_.starts.back().first + milliseconds(1);
  works_ = [died](Time now) { return now < died; };
  world_.pass(milliseconds(10'000));
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].second.now.state, State::kUnhealthy);
  EXPECT_EQ(changes_[1].first - died, milliseconds(2 * 1050 + 400 - 1));
}

TEST_F(PaceTest, IntervalsVaryByTheChecksOwnJitter) {
  for (const auto& [percent, chance, expected] :
       {std::tuple(0u, 1.0, 1000), {20u, 1.0, 1200}, {50u, -1.0, 500}}) {
    model::HealthCheck varied = check();
    varied.jitter_percent = percent;
    world_.jitter = chance;
    follow({});
    follow({pool_of("web", 1, varied)});
    world_.pass(milliseconds(10'000));
    const auto& starts = world_.starts;
    ASSERT_GE(starts.size(), 2U);
    EXPECT_EQ(starts.back().first - starts[starts.size() - 2].first, milliseconds(expected));
  }
}

TEST_F(PaceTest, WhatIsChangingIsProbedFaster) {
  model::HealthCheck fast = check();
  fast.interval = milliseconds(10'000);
  fast.fast_interval = milliseconds(500);
  follow({pool_of("web", 1, fast)});
  world_.pass(milliseconds(60'000));
  EXPECT_LE(world_.starts.size(), 7U) << "at its ease while nothing changes";
  const Time died = world_.starts.back().first + milliseconds(1);
  works_ = [died](Time now) { return now < died; };
  world_.pass(milliseconds(30'000));
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].first - died, milliseconds(10'000 + 500 + 400 - 1));
  works_ = [](Time) { return true; };
  const std::size_t before = world_.starts.size();
  world_.pass(milliseconds(10'000 + 2 * 500 + 5));
  ASSERT_EQ(changes_.size(), 3U) << "three successes, two of them soon";
  EXPECT_EQ(world_.starts.size() - before, 3U);
}

TEST_F(PaceTest, AFailedProbeThatChangesNothingCanBeReadInTheDebugLog) {
  const test::CapturedLog log;
  follow({pool_of("web", 1, check())});
  works_ = [](Time) { return false; };
  world_.pass(milliseconds(500));
  EXPECT_EQ(log.text(), "");
  spdlog::default_logger()->set_level(spdlog::level::debug);
  world_.pass(milliseconds(1000));
  EXPECT_NE(log.text().find("probe of 10.0.0.1 port 80 failed: timeout (no answer in time)"),
            std::string::npos)
      << log.text();
}

TEST_F(PaceTest, TheFirstProbesAreSpread) {
  follow({pool_of("web", 50, check())});
  world_.pass(milliseconds(999));
  ASSERT_EQ(world_.starts.size(), 50U);
  for (std::size_t i = 1; i < 50; ++i)
    EXPECT_EQ(world_.starts[i].first - world_.starts[i - 1].first, milliseconds(20));
}

TEST_F(PaceTest, TheFirstProbesOfManySmallPoolsAreSpreadAsThoseOfALargeOne) {
  std::vector<model::Pool> pools;
  for (int i = 0; i < 1000; ++i) {
    pools.push_back(pool_of("p" + std::to_string(i), 1, check()));
    pools.back().backends[0].address = IpAddress::v4(
        {10, 1, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250 + 1)});
  }
  follow(pools);
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t before = world_.starts.size();
    world_.pass(milliseconds(10));
    most = std::max(most, world_.starts.size() - before);
  }
  EXPECT_GE(world_.starts.size(), 1000U);
  EXPECT_LE(most, 12U) << "in 10 ms, of 1000 in a second";
}

TEST_F(PaceTest, AProbeIsSharedByPoolsThatCheckTheSameThingAndJudgedByEach) {
  model::HealthCheck strict = check();
  strict.unhealthy_threshold = 1;
  model::HealthCheck other_path = check();
  other_path.path = "/other";
  follow(
      {pool_of("web", 2, check()), pool_of("strict", 2, strict), pool_of("other", 2, other_path)});
  EXPECT_EQ(checker_.prober_count(), 4U) << "of six backends";
  EXPECT_EQ(checker_.verdicts().size(), 6U);
  world_.pass(milliseconds(2000));
  works_ = [](Time) { return false; };
  const std::size_t before = world_.starts.size();
  world_.pass(milliseconds(1500));
  EXPECT_EQ(verdict("strict").state, State::kUnhealthy);
  EXPECT_EQ(verdict("web").state, State::kHealthy);
  EXPECT_LE(world_.starts.size() - before, 2U * 4U);
  world_.pass(milliseconds(1500));
  EXPECT_EQ(verdict("web").state, State::kUnhealthy);
}

TEST_F(PaceTest, WhoJoinsASharedProbeDoesNotWaitForItsInterval) {
  model::HealthCheck slow = check();
  slow.interval = minutes(10);
  const model::Pool web = pool_of("web", 1, slow);
  follow({web});
  world_.pass(milliseconds(10'000));
  model::Pool second = web;
  second.name = "second";
  follow({web, second});
  world_.pass(milliseconds(1500));
  EXPECT_EQ(verdict("second").state, State::kHealthy);
  EXPECT_EQ(checker_.prober_count(), 1U);
  follow({second});
  EXPECT_EQ(checker_.prober_count(), 1U);
  follow({});
  EXPECT_EQ(checker_.prober_count(), 0U);
}

TEST_F(PaceTest, ADisabledBackendIsNotProbed) {
  model::Pool web = pool_of("web", 2, check());
  web.backends[0].state = model::AdminState::kDisabled;
  web.backends[1].state = model::AdminState::kDrain;
  follow({web});
  EXPECT_EQ(checker_.verdicts().size(), 1U);
  EXPECT_EQ(checker_.verdicts().begin()->first, model::key_of(web, web.backends[1]));
}

TEST_F(PaceTest, ABackendThatFlapsEverySecondForAMinuteChangesAtMostTenTimes) {
  for (const int half_period : {500, 1000}) {
    model::HealthCheck quick = check();
    quick.interval = milliseconds(100);
    quick.timeout = milliseconds(50);
    quick.healthy_threshold = 1;
    quick.unhealthy_threshold = 1;
    works_ = [half_period](Time now) {
      return now.time_since_epoch() / milliseconds(half_period) % 2 == 0;
    };
    follow({});
    follow({pool_of("web", 1, quick)});
    changes_.clear();
    world_.pass(minutes(1) + milliseconds(300));
    EXPECT_LE(changes_.size(), 10U) << half_period;
    EXPECT_GE(changes_.size(), 4U) << half_period;
    EXPECT_EQ(verdict().reason, Reason::kFlapping);
    works_ = [](Time) { return true; };
    world_.pass(minutes(5));
    EXPECT_EQ(verdict().state, State::kHealthy) << "once it is good for good";
  }
}

class HeldTest : public PaceTest {
 protected:
  /// The probes to come, by letter: g is good, b is bad; good ones after the last.
  void script(const std::string& letters) {
    works_ = [letters, i = std::size_t{0}](Time) mutable {
      return i >= letters.size() || letters[i++] == 'g';
    };
  }
  /// Until so many more probes are over.
  void await_probes(std::size_t count) {
    const std::size_t enough = world_.starts.size() + count;
    while (world_.starts.size() < enough) world_.pass(milliseconds(1));
    world_.pass(milliseconds(401));
  }
  /// Held for 5 s from its second failure on: the next probe that comes later is the sixth.
  void follow_until_held() {
    follow({pool_of("web", 1, held_check())});
    await_probes(2 + 3 + 2 + 3);
    ASSERT_EQ(changes_.size(), 4U);
    ASSERT_EQ(changes_.back().second.hold, seconds(5));
  }

  model::HealthCheck held_check() const {
    model::HealthCheck held = check();
    held.healthy_threshold = 2;
    held.unhealthy_threshold = 3;
    held.fast_interval = fast_interval_;
    return held;
  }
  /// The configuration changes.
  void follow_with(milliseconds flap_hold, milliseconds longest) {
    model::HealthCheck changed = held_check();
    changed.flap_hold = flap_hold;
    changed.longest_flap_hold = longest;
    follow({pool_of("web", 1, changed)});
  }

  milliseconds fast_interval_{0};
};

TEST_F(HeldTest, OneFailureOfAHealthyBackendIsOverWithTheNextSuccess) {
  script("gbg");
  model::HealthCheck patient = check();
  patient.unhealthy_threshold = 3;
  follow({pool_of("web", 1, patient)});
  await_probes(2);
  EXPECT_EQ(verdict().state, State::kHealthy);
  EXPECT_EQ(verdict().reason, Reason::kTimeout);
  await_probes(1);
  EXPECT_EQ(verdict().reason, Reason::kNone);
  EXPECT_EQ(verdict().detail, "");
  EXPECT_EQ(verdict().last_error, Reason::kTimeout);
  EXPECT_EQ(changes_.size(), 1U);
}

TEST_F(HeldTest, AFailedProbeAfterTheHoldDoesNotPutItBack) {
  script(
      "ggbbbggbbb"
      "ggggg"
      "b"
      "gbgbgbgb"
      "gg");
  follow_until_held();
  await_probes(5);
  EXPECT_EQ(verdict().reason, Reason::kFlapping);
  await_probes(1);
  EXPECT_EQ(verdict().state, State::kUnhealthy);
  EXPECT_EQ(verdict().reason, Reason::kTimeout);
  await_probes(9);
  EXPECT_EQ(changes_.size(), 4U) << "two in a row are wanted";
  await_probes(1);
  ASSERT_EQ(changes_.size(), 5U);
  EXPECT_EQ(verdict().state, State::kHealthy);
  EXPECT_EQ(changes_.back().second.probes, 2U);
}

TEST_F(HeldTest, TheFirstGoodProbeAfterAHoldFullOfGoodOnesPutsItBack) {
  script("ggbbbggbbb");
  follow_until_held();
  await_probes(5);
  EXPECT_EQ(changes_.size(), 4U);
  EXPECT_EQ(verdict().held_until, verdict().since + seconds(5));
  await_probes(1);
  ASSERT_EQ(changes_.size(), 5U);
  EXPECT_EQ(verdict().held_until.time_since_epoch().count(), 0);
  EXPECT_EQ(changes_.back().second.now.state, State::kHealthy);
  EXPECT_EQ(changes_.back().second.probes, 6U);
}

TEST_F(HeldTest, AShorterFlapHoldEndsTheOneUnderWayEarlier) {
  script("ggbbbggbbb");
  follow_until_held();
  await_probes(1);
  follow_with(seconds(3), minutes(5));
  EXPECT_EQ(verdict().held_until, verdict().since + seconds(3));
  await_probes(2);
  EXPECT_EQ(changes_.size(), 4U) << "it is held still";
  await_probes(1);
  EXPECT_EQ(changes_.size(), 5U);
  EXPECT_EQ(verdict().state, State::kHealthy);
}

TEST_F(HeldTest, WithoutAFlapHoldTheOneUnderWayEndsAtOnce) {
  script("ggbbbggbbb");
  follow_until_held();
  await_probes(2);
  EXPECT_EQ(verdict().reason, Reason::kFlapping);
  follow_with(seconds(0), minutes(5));
  EXPECT_EQ(verdict().held_until, verdict().since);
  await_probes(1);
  EXPECT_EQ(changes_.size(), 5U);
  EXPECT_EQ(verdict().state, State::kHealthy);
}

TEST_F(HeldTest, ALongerFlapHoldChangesNothingForTheOneUnderWay) {
  script("ggbbbggbbb");
  follow_until_held();
  await_probes(1);
  follow_with(minutes(1), minutes(5));
  EXPECT_EQ(verdict().held_until, verdict().since + seconds(5));
  await_probes(4);
  EXPECT_EQ(changes_.size(), 4U);
  await_probes(1);
  EXPECT_EQ(changes_.size(), 5U);
}

TEST_F(HeldTest, WhatIsHeldIsProbedAtItsEase) {
  fast_interval_ = milliseconds(500);
  script("gbbbggbbb");
  follow_until_held();
  const std::size_t before = world_.starts.size();
  world_.pass(milliseconds(4000));
  EXPECT_LE(world_.starts.size() - before, 5U);
  EXPECT_EQ(verdict().reason, Reason::kFlapping);
}

TEST_F(PaceTest, WithoutDampingItFlapsOn) {
  model::HealthCheck quick = check();
  quick.interval = milliseconds(100);
  quick.timeout = milliseconds(50);
  quick.healthy_threshold = 1;
  quick.unhealthy_threshold = 1;
  quick.flap_hold = milliseconds(0);
  works_ = [](Time now) { return now.time_since_epoch() / seconds(1) % 2 == 0; };
  follow({pool_of("web", 1, quick)});
  world_.pass(minutes(1));
  EXPECT_GE(changes_.size(), 58U);
}

TEST_F(PaceTest, FailuresWhileOurLoopStoodStillDoNotCount) {
  model::HealthCheck once = check();
  once.unhealthy_threshold = 1;
  follow({pool_of("web", 1, once)});
  world_.pass(milliseconds(3100));
  works_ = [](Time) { return false; };
  world_.pass(milliseconds(1000));  // a probe is under way
  works_ = [](Time) { return true; };
  world_.stall(milliseconds(2000));
  world_.pass(milliseconds(2));
  EXPECT_EQ(verdict().state, State::kHealthy);
  EXPECT_EQ(verdict().reason, Reason::kLocalFault);
  world_.pass(milliseconds(2000));
  EXPECT_EQ(verdict().reason, Reason::kNone);
  works_ = [](Time) { return false; };
  world_.pass(milliseconds(2000));
  EXPECT_EQ(verdict().state, State::kUnhealthy);
}

TEST_F(PaceTest, ALoopThatIsOftenALittleLateStillFindsWhatIsDead) {
  model::HealthCheck patient = check();
  patient.interval = milliseconds(4000);
  patient.timeout = milliseconds(2000);
  follow({pool_of("web", 1, patient)});
  world_.pass(milliseconds(5000));
  works_ = [](Time) { return false; };
  for (int i = 0; i < 15; ++i) {
    world_.pass(milliseconds(800));
    world_.stall(milliseconds(210));
  }
  EXPECT_EQ(verdict().state, State::kUnhealthy);
  EXPECT_EQ(verdict().reason, Reason::kTimeout);
}

TEST(FlapDamper, HoldsLongerEachTimeAndForgetsInTheEnd) {
  FlapDamper damper(seconds(5), seconds(30));
  Time now{};
  const auto fail_after = [&](FlapDamper::Duration up) {
    damper.went_up(now);
    now += up;
    return damper.went_down(now);
  };
  EXPECT_EQ(damper.went_down(now), seconds(0)) << "anybody may fail once";
  EXPECT_TRUE(damper.may_go_up(now));
  EXPECT_EQ(fail_after(seconds(1)), seconds(5));
  EXPECT_FALSE(damper.may_go_up(now + milliseconds(4999)));
  EXPECT_TRUE(damper.may_go_up(now + seconds(5)));
  EXPECT_EQ(fail_after(seconds(1)), seconds(10));
  EXPECT_EQ(fail_after(seconds(29)), seconds(20));
  EXPECT_EQ(fail_after(seconds(1)), seconds(30));
  EXPECT_EQ(fail_after(seconds(1)), seconds(30)) << "the longest";
  EXPECT_EQ(fail_after(seconds(30)), seconds(0)) << "it was up for long enough";
}

TEST(FlapDamper, WithOtherTimesItGoesOnCounting) {
  FlapDamper damper(seconds(5), seconds(30));
  const auto fail = [&](seconds at) {
    damper.went_up(FlapDamper::Time(at));
    return damper.went_down(FlapDamper::Time(at));
  };
  fail(seconds(1));
  fail(seconds(2));
  EXPECT_EQ(fail(seconds(3)), seconds(10));
  damper.retime(seconds(5), seconds(60));
  EXPECT_EQ(damper.hold(), seconds(10));
  damper.retime(seconds(5), seconds(8));
  EXPECT_EQ(damper.hold(), seconds(8)) << "the longest";
  damper.retime(seconds(2), seconds(60));
  EXPECT_EQ(damper.hold(), seconds(2));
  EXPECT_FALSE(damper.may_go_up(FlapDamper::Time(milliseconds(4999))));
  EXPECT_TRUE(damper.may_go_up(FlapDamper::Time(seconds(5))));
  EXPECT_EQ(fail(seconds(6)), seconds(8)) << "the fourth: after 2 and 4";
}

}  // namespace
}  // namespace guideway::health
