// SPDX-License-Identifier: Apache-2.0
// What status says of health. The verdicts are those of an earlier daemon, and the checks' interval
// is an hour: no probe comes in between.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "../../support/temporary_dir.h"
#include "fakes.h"
#include "guideway/control/controller.h"
#include "guideway/health/verdicts_text.h"

namespace guideway::control {
namespace {

class HealthStatusTest : public testing::Test {
 protected:
  HealthStatusTest() {
    model::Pool web{.name = "web", .table_size = 251};
    for (std::uint8_t host = 1; host <= 3; ++host) web.backends.push_back(one(host));
    web.health_check =
        model::HealthCheck{.interval = std::chrono::hours(1), .timeout = std::chrono::minutes(30)};
    model_.capacity.backends = 16;
    model_.pools = {web};
    model_.services = {
        {.name = "web", .address = IpAddress::v4({203, 0, 113, 10}), .port = 80, .pool = "web"}};
    for (std::uint8_t host = 1; host <= 9; ++host)
      monitor_.set(IpAddress::v4({10, 0, 0, host}), compile::NextHop::State::kResolved);
  }

  static model::Backend one(std::uint8_t host) {
    return {.name = "b" + std::to_string(host), .address = IpAddress::v4({10, 0, 0, host})};
  }

  /// The status with verdicts by letter: H healthy, x unhealthy, of the first pool's backends.
  Status status_with(const std::string& letters) {
    health::Verdicts verdicts;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      health::Verdict verdict;
      verdict.state = letters[i] == 'H' ? health::State::kHealthy : health::State::kUnhealthy;
      if (letters[i] == 'x') verdict.reason = health::Reason::kTimeout;
      if (letters[i] == 'H') {  // it has failed before
        verdict.last_error = health::Reason::kStatusMismatch;
        verdict.last_error_detail = "status 503";
        verdict.last_error_at = std::chrono::system_clock::from_time_t(1'700'000'000);
      }
      verdicts[model::key_of(model_.pools[0], model_.pools[0].backends[i])] = verdict;
    }
    EXPECT_TRUE(dir_->save("health", health::to_text(verdicts)));
    controller_ = std::make_unique<Controller>(
        Parts{loop_, datapath_, monitor_, addresses_, {"gw-wan"}, &*dir_}, file(),
        model::HashSeed{1, 2, 3}, [this] { return file(); });
    EXPECT_TRUE(controller_->start());
    return controller_->status();
  }

  config::LoadResult file() const {
    config::LoadResult result;
    result.model = model_;
    return result;
  }

  test::TemporaryDir folder_;
  std::optional<StateDir> dir_ = StateDir::open(folder_.path("state")).value();
  boost::asio::io_context loop_;
  FakeDatapath datapath_{64};
  FakeMonitor monitor_;
  FakeAddresses addresses_;
  model::Model model_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(HealthStatusTest, ShowsVerdictReasonAndTheRuleThatDecided) {
  const PoolStatus pool = status_with("HxH").pools[0];
  EXPECT_EQ(pool.state, "normal");
  EXPECT_EQ(pool.healthy_percent, 66U);
  const BackendStatus& bad = pool.backends[1];
  EXPECT_EQ(bad.health, "unhealthy");
  EXPECT_EQ(bad.health_reason, "timeout");
  EXPECT_EQ(bad.weight_rule, "unhealthy");
  EXPECT_EQ(bad.effective_weight, 0U);
  EXPECT_EQ(bad.standing, "unhealthy");
  EXPECT_EQ(pool.backends[0].effective_weight, 100U);
  const BackendStatus& good = pool.backends[0];
  EXPECT_EQ(good.weight_rule, "healthy");
  EXPECT_EQ(good.health_reason, "");
  EXPECT_EQ(good.last_error, "status_mismatch");
  EXPECT_EQ(good.last_error_detail, "status 503");
  EXPECT_EQ(good.last_error_at_s, 1'700'000'000);
  EXPECT_EQ(bad.last_error_at_s, 0) << "none is known";
}

TEST_F(HealthStatusTest, InPanicWhatIsNotHealthyButUsedSaysSo) {
  model_.pools[0].panic.threshold = 50;
  const PoolStatus pool = status_with("Hxx").pools[0];
  EXPECT_EQ(pool.state, "panic");
  EXPECT_EQ(pool.mode, "fail_open");
  EXPECT_TRUE(pool.fails_open);
  EXPECT_EQ(pool.backends[0].health, "healthy");
  EXPECT_EQ(pool.backends[1].health, "panic");
  EXPECT_EQ(pool.backends[1].health_reason, "timeout");
  EXPECT_EQ(pool.backends[1].weight_rule, "fail_open");
  EXPECT_EQ(pool.backends[1].mode, "fail_open");
  EXPECT_FALSE(pool.backends[1].kept);
}

TEST_F(HealthStatusTest, WhatDampingHoldsSaysUntilWhen) {
  using boost::asio::ip::tcp;
  const tcp::endpoint any(boost::asio::ip::address_v4::loopback(), 0);
  auto server = std::make_unique<tcp::acceptor>(loop_, any);
  const tcp::endpoint place = server->local_endpoint();
  model::Pool& pool = model_.pools[0];
  pool.backends = {{.name = "b1", .address = IpAddress::v4({127, 0, 0, 1})}};
  monitor_.set(pool.backends[0].address, compile::NextHop::State::kResolved);
  pool.health_check = model::HealthCheck{.protocol = model::CheckProtocol::kTcp,
                                         .port = place.port(),
                                         .interval = std::chrono::milliseconds(10),
                                         .timeout = std::chrono::seconds(5),
                                         .healthy_threshold = 1,
                                         .unhealthy_threshold = 1,
                                         .flap_hold = std::chrono::minutes(1),
                                         .longest_flap_hold = std::chrono::minutes(2)};
  const auto shown = [&] { return controller_->status().pools[0].backends[0]; };
  const auto reaches = [&](const std::string& standing) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (shown().standing != standing && std::chrono::steady_clock::now() < give_up)
      loop_.run_one_for(std::chrono::milliseconds(20));
    EXPECT_EQ(shown().standing, standing);
  };
  status_with("H");
  server.reset();
  reaches("unhealthy");
  EXPECT_EQ(shown().held_until_s, 0) << "anybody may fail once";
  server = std::make_unique<tcp::acceptor>(loop_, place);
  reaches("healthy");
  server.reset();
  reaches("unhealthy");
  EXPECT_NEAR(static_cast<double>(shown().held_until_s - shown().health_since_s), 60, 1);
}

TEST_F(HealthStatusTest, TheOperatorsWordComesFirst) {
  model_.pools[0].backends[0].state = model::AdminState::kDisabled;
  model_.pools[0].backends[1].state = model::AdminState::kDrain;
  model_.pools[0].backends[2].forced = model::Forced::kDown;
  model_.pools[0].backends.push_back(one(4));
  const PoolStatus pool = status_with("HHHH").pools[0];
  EXPECT_EQ(pool.backends[0].health, "disabled");
  EXPECT_EQ(pool.backends[1].health, "draining");
  EXPECT_EQ(pool.backends[2].health, "unhealthy");
  EXPECT_EQ(pool.backends[2].forced, "down");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.backends[i].health_reason, "admin") << i;
  EXPECT_EQ(pool.backends[3].slots, 251U);
}

TEST_F(HealthStatusTest, APoolThatNobodyUsesIsUnused) {
  model_.services.clear();
  EXPECT_EQ(status_with("HxH").pools[0].backends[1].health, "unused");
}

TEST_F(HealthStatusTest, ABackendWithoutANeighbourSaysSoWhateverTheCheckSays) {
  monitor_.set(IpAddress::v4({10, 0, 0, 1}), compile::NextHop::State::kFailed);
  const BackendStatus backend = status_with("HHH").pools[0].backends[0];
  EXPECT_EQ(backend.health_reason, "no_neighbour");
  EXPECT_EQ(backend.weight_rule, "unreachable");
  EXPECT_FALSE(backend.reachable);
}

TEST_F(HealthStatusTest, GuestsAreShownInThePoolThatTheyHelp) {
  model::Pool spare{.name = "spare", .table_size = 251, .backends = {one(9)}};
  model_.pools.push_back(spare);
  model_.pools[0].panic.action = model::PanicAction::kFallback;
  model_.pools[0].panic.fallback_pool = "spare";
  const Status status = status_with("xxx");
  const PoolStatus& pool = status.pools[0];
  EXPECT_EQ(pool.mode, "fallback");
  ASSERT_EQ(pool.backends.size(), 4U);
  EXPECT_EQ(pool.backends[3].name, "b9");
  EXPECT_EQ(pool.backends[3].home, "spare");
  EXPECT_EQ(pool.backends[3].slots, 251U);
  EXPECT_EQ(pool.backends[0].weight_rule, "fallback");
}

}  // namespace
}  // namespace guideway::control
