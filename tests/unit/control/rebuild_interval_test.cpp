// SPDX-License-Identifier: Apache-2.0
// director.min_rebuild_interval: how fast generations follow each other.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <chrono>

#include "controller_fixture.h"

namespace guideway::control {
namespace {

using compile::NextHop;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class RebuildIntervalTest : public ControllerTest {
 protected:
  void start_with(milliseconds interval) {
    file_.director.min_rebuild_interval = interval;
    start();
    last_ = steady_clock::now();
  }

  /// Changes the file and asks for it.
  void ask(std::uint32_t weight, bool dry_run = false) {
    file_.pools[0].backends[0].weight = weight;
    ChangeRequest request;
    request.reload_file = true;
    request.dry_run = dry_run;
    controller_->change(std::move(request), [this](const ChangeOutcome& outcome) {
      EXPECT_TRUE(outcome.errors.empty());
      answers_++;
    });
  }

  /// How long after the one before.
  milliseconds generation_takes(std::size_t number) {
    EXPECT_TRUE(reaches([&] { return datapath_.published.size() >= number; }));
    EXPECT_EQ(datapath_.published.size(), number);
    const auto now = steady_clock::now();
    return std::chrono::duration_cast<milliseconds>(now - std::exchange(last_, now));
  }

  steady_clock::time_point last_;
  int answers_ = 0;
};

TEST_F(RebuildIntervalTest, WhoeverWantsABuildTheNextOneWaits) {
  constexpr milliseconds kInterval{300};
  // What is measured begins a little after the build.
  constexpr milliseconds kAtLeast = kInterval * 9 / 10;
  start_with(kInterval);
  ask(10);
  generation_takes(2);
  ask(20);
  EXPECT_GE(generation_takes(3), kAtLeast);
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_GE(generation_takes(4), kAtLeast);
  ask(30, true);
  EXPECT_TRUE(reaches([&] { return answers_ == 3; }));
  EXPECT_LT(steady_clock::now() - last_, kInterval) << "a dry run builds nothing";
  EXPECT_EQ(datapath_.published.size(), 4u);
}

TEST_F(RebuildIntervalTest, AReloadChangesIt) {
  start_with(milliseconds(0));
  file_.director.min_rebuild_interval = milliseconds(300);
  ask(10);
  generation_takes(2);
  ask(20);
  EXPECT_GE(generation_takes(3), milliseconds(270));
}

TEST_F(RebuildIntervalTest, TheFirstChangeIsBuiltAtOnce) {
  start_with(milliseconds(60'000));
  ask(10);
  EXPECT_LT(generation_takes(2), milliseconds(20'000));
}

}  // namespace
}  // namespace guideway::control
