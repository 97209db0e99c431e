// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/health/checker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "guideway/health/loop_environment.h"
#include "test_server.h"

namespace guideway::health {
namespace {

using std::chrono::milliseconds;

const std::string kRefusing = "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n";
const std::string kGood = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class CheckerTest : public testing::Test {
 protected:
  CheckerTest() {
    model::Pool pool{.name = "web"};
    pool.backends = {{.name = "b1", .address = IpAddress::parse("127.0.0.1").value()}};
    pool.health_check = model::HealthCheck{.port = server_.port(),
                                           .path = "/",
                                           .interval = milliseconds(20),
                                           .timeout = milliseconds(10'000),
                                           .healthy_threshold = 2,
                                           .unhealthy_threshold = 3};
    model_.pools = {pool};
    model_.services = {{.name = "web", .port = 80, .pool = "web"}};
  }

  void run_until_changes(std::size_t count) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (changes_.size() < count && std::chrono::steady_clock::now() < give_up)
      loop_.run_one_for(milliseconds(100));
    ASSERT_GE(changes_.size(), count);
  }
  Verdict verdict() {
    return checker_.verdicts().at(model::key_of(model_.pools[0], model_.pools[0].backends[0]));
  }

  boost::asio::io_context loop_;
  TestServer server_{loop_};
  std::vector<Change> changes_;
  LoopEnvironment environment_{loop_};
  Checker checker_{environment_, [this](const Change& change) { changes_.push_back(change); }};
  model::Model model_;
};

TEST_F(CheckerTest, ABackendGoesFromInitialToHealthyToUnhealthyAndBack) {
  checker_.follow(model_);
  EXPECT_EQ(verdict().state, State::kInitial);
  EXPECT_TRUE(verdict().good()) << "presumed, as it was there from the start";
  run_until_changes(1);
  EXPECT_EQ(changes_[0].now.state, State::kHealthy);
  EXPECT_EQ(changes_[0].probes, 1U);

  server_.answer = kRefusing;
  run_until_changes(2);
  EXPECT_EQ(changes_[1].from, State::kHealthy);
  EXPECT_EQ(changes_[1].now.state, State::kUnhealthy);
  EXPECT_EQ(changes_[1].now.reason, Reason::kStatusMismatch);
  EXPECT_EQ(changes_[1].now.detail, "status 503");
  EXPECT_EQ(changes_[1].probes, 3U);
  EXPECT_FALSE(verdict().good());

  server_.answer = kGood;
  run_until_changes(3);
  EXPECT_EQ(changes_[2].now.state, State::kHealthy);
  EXPECT_EQ(changes_[2].now.reason, Reason::kNone);
  EXPECT_EQ(changes_[2].now.last_error, Reason::kStatusMismatch) << "stays when it recovers";
  EXPECT_EQ(changes_[2].now.last_error_detail, "status 503");
  EXPECT_GE(changes_[1].now.last_error_at, changes_[0].now.since);
  EXPECT_GE(changes_[2].now.last_error_at, changes_[1].now.last_error_at);
  EXPECT_LE(changes_[2].now.last_error_at, changes_[2].now.since);
  EXPECT_EQ(changes_[2].probes, 2U);
  EXPECT_EQ(changes_[2].name, "b1");
}

TEST_F(CheckerTest, TheChecksOwnAddressIsProbedInsteadOfTheBackends) {
  model_.pools[0].backends[0].address = IpAddress::parse("192.0.2.1").value();
  model_.pools[0].health_check->address = IpAddress::parse("127.0.0.1").value();
  checker_.follow(model_);
  run_until_changes(1);
  EXPECT_EQ(changes_[0].now.state, State::kHealthy);
  EXPECT_GE(server_.requests.size(), 1u);
}

TEST_F(CheckerTest, ABackendThatIsAddedLaterHasToPassFirst) {
  model::Model empty = model_;
  empty.pools[0].backends.clear();
  checker_.follow(empty);
  checker_.follow(model_);
  EXPECT_FALSE(verdict().good());
  run_until_changes(1);
  EXPECT_TRUE(verdict().good());
}

TEST_F(CheckerTest, WhatIsRememberedHoldsUntilProbesSayOtherwise) {
  Verdict dead{.state = State::kUnhealthy, .reason = Reason::kTimeout};
  checker_.remember({{model::key_of(model_.pools[0], model_.pools[0].backends[0]), dead}});
  checker_.follow(model_);
  EXPECT_FALSE(verdict().good());
  EXPECT_EQ(verdict().reason, Reason::kTimeout);
  run_until_changes(1);
  EXPECT_EQ(changes_[0].from, State::kUnhealthy);
  EXPECT_EQ(changes_[0].probes, 2U) << "the healthy threshold";
}

TEST_F(CheckerTest, AReloadKeepsTheVerdict) {
  checker_.follow(model_);
  run_until_changes(1);
  model_.pools[0].backends[0].name = "renamed";
  model_.pools[0].health_check->unhealthy_threshold = 1;
  checker_.follow(model_);
  EXPECT_EQ(verdict().state, State::kHealthy);
  server_.answer = kRefusing;
  run_until_changes(2);
  EXPECT_EQ(changes_[1].name, "renamed");
  EXPECT_EQ(changes_[1].probes, 1U);
}

TEST_F(CheckerTest, AProbeDoesNotOverlapTheNext) {
  server_.answer.clear();  // each probe waits for its timeout
  model_.pools[0].health_check->interval = milliseconds(5);
  model_.pools[0].health_check->timeout = milliseconds(100);
  checker_.follow(model_);
  run_until_changes(1);  // three of them
  EXPECT_EQ(changes_[0].now.reason, Reason::kTimeout);
  EXPECT_EQ(server_.connections, 3);
}

TEST_F(CheckerTest, WhatNoServiceUsesIsNotProbed) {
  model_.services.clear();
  checker_.follow(model_);
  EXPECT_TRUE(checker_.verdicts().empty());
  loop_.run_for(milliseconds(50));
  EXPECT_EQ(server_.connections, 0);
}

TEST_F(CheckerTest, WhatIsRemovedIsNotProbedAnyMore) {
  checker_.follow(model_);
  run_until_changes(1);
  model_.pools[0].health_check.reset();
  checker_.follow(model_);
  loop_.run_for(milliseconds(50));
  const int before = server_.connections;
  loop_.run_for(milliseconds(100));
  EXPECT_EQ(server_.connections, before);
  EXPECT_TRUE(checker_.verdicts().empty());
}

}  // namespace
}  // namespace guideway::health
