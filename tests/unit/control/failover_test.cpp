// SPDX-License-Identifier: Apache-2.0
// What the network says is in force soon, whatever operators do meanwhile.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <chrono>

#include "controller_fixture.h"

namespace guideway::control {
namespace {

using compile::NextHop;
using std::chrono::milliseconds;

class FailoverTest : public ControllerTest {
 protected:
  void start_resolved() {
    start();
    monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
    monitor_.set(address("10.0.0.2"), NextHop::State::kResolved);
    ASSERT_TRUE(reaches([&] { return backend_status("b2").slots == 125; }));
  }

  /// A client that asks for what is refused, again and again.
  void ask_for_nonsense() {
    if (stopped_) return;
    ChangeRequest request;
    request.changes.push_back({config::Change::Op::kDelete,
                               {config::ResourcePath::Kind::kPool, "no-such-pool", ""},
                               nullptr});
    controller_->change(std::move(request), [this](const ChangeOutcome&) {
      refusals_++;
      boost::asio::post(loop_, [this] { ask_for_nonsense(); });
    });
  }

  std::size_t count_of(events::Kind kind) const {
    events::Query query;
    query.kinds = {kind};
    return controller_->events().find(query).events.size();
  }
  std::size_t config_faults() const { return count_of(events::Kind::kConfig); }

  bool stopped_ = false;
  int refusals_ = 0;
};

TEST_F(FailoverTest, ClientsWhoseChangesAreRefusedHoldNothingUp) {
  start_resolved();
  for (int i = 0; i < 4; i++) ask_for_nonsense();
  ASSERT_TRUE(reaches([&] { return refusals_ > 20; }));
  monitor_.set(address("10.0.0.1"), NextHop::State::kNoRoute);
  EXPECT_TRUE(reaches([&] { return backend_status("b2").slots == 251; }));
  stopped_ = true;
}

TEST_F(FailoverTest, PacketsAreSteeredAwayBeforeItIsReported) {
  start_resolved();
  const std::size_t before = count_of(events::Kind::kState);
  std::size_t when_published = 0;
  datapath_.on_publish = [&] { when_published = count_of(events::Kind::kState); };
  monitor_.set(address("10.0.0.1"), NextHop::State::kNoRoute);
  ASSERT_TRUE(reaches([&] { return backend_status("b2").slots == 251; }));
  EXPECT_EQ(when_published, before);
  EXPECT_GT(count_of(events::Kind::kState), before);
}

TEST_F(FailoverTest, AChangeThatLooksForItsNeighboursHoldsNothingUp) {
  start_resolved();
  file_ = make_model({backend(1), backend(2), backend(3)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return monitor_.watched.size() == 3; }));
  monitor_.set(address("10.0.0.1"), NextHop::State::kNoRoute);
  EXPECT_TRUE(reaches([&] { return backend_status("b2").slots == 251; }));
  EXPECT_EQ(backend_status("b3").name, "") << "it is still looked for";
  EXPECT_EQ(monitor_.watched.size(), 3u);
  EXPECT_TRUE(reaches([&] { return backend_status("b3").name == "b3"; }));
}

TEST_F(FailoverTest, NeighboursOfAChangeCostNoBuildsOfTheirOwn) {
  start_resolved();
  file_ = make_model({backend(1), backend(3), backend(4)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return monitor_.watched.size() == 4; }));
  const std::size_t before = datapath_.published.size();
  monitor_.set(address("10.0.0.3"), NextHop::State::kResolved);
  loop_.run_for(milliseconds(200));  // twice the interval between generations
  EXPECT_EQ(datapath_.published.size(), before);
  monitor_.set(address("10.0.0.4"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b4").slots != 0; }));
  EXPECT_EQ(datapath_.published.size(), before + 1);
}

TEST_F(FailoverTest, ABuildThatFailsIsTriedAgainAndSaidOnce) {
  start_resolved();
  datapath_.prepare_fails = true;
  monitor_.set(address("10.0.0.1"), NextHop::State::kNoRoute);
  ASSERT_TRUE(reaches([&] { return datapath_.refused >= 2; }));
  EXPECT_EQ(controller_->status().changes_refused, 1u);
  EXPECT_EQ(config_faults(), 2u) << "the fault, and what it means";
  datapath_.prepare_fails = false;
  EXPECT_TRUE(reaches([&] { return backend_status("b2").slots == 251; }));
}

}  // namespace
}  // namespace guideway::control
