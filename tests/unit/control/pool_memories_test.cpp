// SPDX-License-Identifier: Apache-2.0
// What pools remember over a restart: the text, and a controller after the other on one state
// directory. The checks' interval is an hour: no probe comes in between.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../support/temporary_dir.h"
#include "fakes.h"
#include "guideway/control/controller.h"
#include "guideway/control/pool_memories_text.h"
#include "guideway/health/verdicts_text.h"

namespace guideway::control {
namespace {

compile::PoolMemories some_memories() {
  return {{"web",
           {.panic = true,
            .good = {{"web", IpAddress::v4({10, 0, 0, 1}), 0},
                     {"web", IpAddress::parse("2001:db8::1").value(), 6400}}}},
          {"spare", {}}};
}

TEST(PoolMemoriesText, ComesBack) {
  const auto back = pool_memories_of(to_text(some_memories()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, some_memories());
}

TEST(PoolMemoriesText, AnythingElseIsRefused) {
  const std::string good = to_text(some_memories());
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(pool_memories_of(good.substr(0, length))) << length;
  for (const char* bad : {"", "{}", "[1]", "[{}]", "null", "[[[[[[[["})
    EXPECT_FALSE(pool_memories_of(bad)) << bad;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_FALSE(pool_memories_of(with("10.0.0.1", "10.0.0.256")));
  EXPECT_FALSE(pool_memories_of(with("6400", "65536")));
  EXPECT_FALSE(pool_memories_of(with("6400", "-1")));
  EXPECT_FALSE(pool_memories_of(with("6400", "80,80")));
  EXPECT_FALSE(pool_memories_of(with("true", "1")));
  EXPECT_FALSE(pool_memories_of(with("spare", "web"))) << "twice";
}

TEST(PoolMemoriesText, MoreThanADirectorHasIsRefused) {
  std::string text = R"([{"pool": "web", "panic": false, "good": [0)";
  for (int i = 2; i < 1 << 17; ++i) text += ",0";
  EXPECT_EQ(pool_memories_of(text + "]}]").error().message, "entry 0 is no pool");
  EXPECT_EQ(pool_memories_of(text + ",0]}]").error().message, "it has too many entries");
}

class PoolRestartTest : public testing::Test {
 protected:
  PoolRestartTest() {
    model::Pool web{.name = "web", .table_size = 251};
    for (std::uint8_t host = 1; host <= 6; ++host) {
      web.backends.push_back(
          {.name = "b" + std::to_string(host), .address = IpAddress::v4({10, 0, 0, host})});
      monitor_.set(web.backends.back().address, compile::NextHop::State::kResolved);
    }
    web.health_check =
        model::HealthCheck{.interval = std::chrono::hours(1), .timeout = std::chrono::minutes(30)};
    web.panic = {.threshold = 30, .hysteresis = 30, .action = model::PanicAction::kHold};
    model_.capacity.backends = 16;
    model_.pools = {web};
    model_.services = {
        {.name = "web", .address = IpAddress::v4({203, 0, 113, 10}), .port = 80, .pool = "web"}};
  }

  /// A daemon that starts with these verdicts (H healthy, x unhealthy), after the one before has
  /// ended, until what its pools remember is saved.
  PoolStatus run_with(const std::string& letters) {
    controller_.reset();
    health::Verdicts verdicts;
    for (std::size_t i = 0; i < letters.size(); ++i)
      verdicts[model::key_of(model_.pools[0], model_.pools[0].backends[i])].state =
          letters[i] == 'H' ? health::State::kHealthy : health::State::kUnhealthy;
    EXPECT_TRUE(dir_->save("health", health::to_text(verdicts)));
    loop_ = std::make_unique<boost::asio::io_context>();
    config::LoadResult file;
    file.model = model_;
    controller_ = std::make_unique<Controller>(
        Parts{*loop_, datapath_, monitor_, addresses_, {"gw-wan"}, &*dir_}, file,
        model::HashSeed{1, 2, 3}, [file] { return file; });
    EXPECT_TRUE(controller_->start());
    return controller_->status().pools[0];
  }
  /// The memory that is saved.
  compile::PoolMemory saved() const {
    const auto text = dir_->load("pools");
    if (!text || text->empty()) return {};
    return pool_memories_of(*text).value().at("web");
  }
  testing::AssertionResult saves(bool panic, std::size_t good) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (saved().panic != panic || saved().good.size() != good) {
      if (std::chrono::steady_clock::now() > deadline)
        return testing::AssertionFailure() << "not within 20 s";
      loop_->run_one_for(std::chrono::milliseconds(50));
    }
    return testing::AssertionSuccess();
  }

  test::TemporaryDir folder_;
  std::optional<StateDir> dir_ = StateDir::open(folder_.path("state")).value();
  std::unique_ptr<boost::asio::io_context> loop_;
  FakeDatapath datapath_{64};
  FakeMonitor monitor_;
  FakeAddresses addresses_;
  model::Model model_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(PoolRestartTest, TheLastGoodSetIsHeldOverARestart) {
  EXPECT_EQ(run_with("xxHHHH").state, "normal");
  ASSERT_TRUE(saves(false, 4));
  for (int restart = 0; restart < 2; ++restart) {
    const PoolStatus pool = run_with("xxxxxx");
    EXPECT_EQ(pool.mode, "hold");
    EXPECT_EQ(pool.backends[0].slots + pool.backends[1].slots, 0U) << "dead for days";
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(pool.backends[i].weight_rule, i < 2 ? "unhealthy" : "held") << i;
      EXPECT_EQ(pool.backends[i].mode, "hold");
      EXPECT_EQ(pool.backends[i].kept, i >= 2) << i;
    }
    ASSERT_TRUE(saves(true, 4));
  }
}

TEST_F(PoolRestartTest, AnOrderlyEndSavesWhatNoTickHas) {
  run_with("xxHHHH");
  controller_->save_at_end();
  EXPECT_EQ(saved().good.size(), 4U);
}

TEST_F(PoolRestartTest, APanicEndsByItsHysteresisAfterARestart) {
  EXPECT_EQ(run_with("HHHxxx").state, "normal") << "half is enough if there was no panic";
  ASSERT_TRUE(saves(false, 3));
  EXPECT_EQ(run_with("Hxxxxx").state, "panic");
  ASSERT_TRUE(saves(true, 3));
  EXPECT_EQ(run_with("HHHxxx").state, "panic") << "50 % is between 30 and 60";
  EXPECT_EQ(run_with("HHHHxx").state, "normal");
}

TEST_F(PoolRestartTest, WhatIsDamagedBehindAGoodFirstLineIsSaidAndSetAside) {
  const std::vector<std::pair<std::string, std::string>> damaged = {
      {"pools", "[{}]"}, {"desired", "{"}, {"file", "[]"}};
  for (const auto& [name, text] : damaged) ASSERT_TRUE(dir_->save(name, text));
  run_with("xxxxxx");
  const auto found = controller_->events().find({});
  for (const auto& [name, text] : damaged) {
    EXPECT_EQ(dir_->load(name + ".bad"), text) << name;
    EXPECT_TRUE(std::any_of(found.events.begin(), found.events.end(),
                            [name = name](const auto& event) {
                              return event.message.find("; set aside as " + name + ".bad") !=
                                     std::string::npos;
                            }))
        << name;
  }
  EXPECT_NE(dir_->load("desired"), "{") << "it begins anew";
}

TEST_F(PoolRestartTest, GoodFilesAreNotSetAside) {
  run_with("HHHHHH");
  ASSERT_TRUE(saves(false, 6));
  run_with("HHHHHH");
  for (const char* name : {"pools", "desired", "file", "health"})
    EXPECT_EQ(dir_->load(std::string(name) + ".bad"), "") << name;
}

}  // namespace
}  // namespace guideway::control
