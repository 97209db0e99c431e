// SPDX-License-Identifier: Apache-2.0
// GET of resources: what runs beside what is configured.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "api_fixture.h"

namespace guideway::admin {
namespace {

/// "spare" helps "web" out, and its backend has the name that the next one of "web" may get.
const std::string kFallbackFile = kApiHead + R"(
panic = "fallback"
fallback_pool = "spare"
backends = [
  { name = "b1", address = "10.0.0.1" },
]
[[pool]]
name = "spare"
table_size = 251
backends = [
  { name = "b3", address = "10.0.0.3" },
]
)" + kApiService;

TEST_F(ApiTest, AGuestIsNotTakenForABackendOfTheSameName) {
  file_ = kFallbackFile;
  restart();
  EXPECT_EQ(ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.4"})").status, 201u);
  const ApiJson backend = get("/v1/pools/web/backends/b3")["backend"];
  EXPECT_EQ(backend["status"]["address"], "10.0.0.4");
  EXPECT_EQ(backend["status"]["home"], "");
  EXPECT_EQ(get("/v1/pools/web/backends")["backends"][1]["status"]["address"], "10.0.0.4");
  EXPECT_EQ(get("/v1/pools/web")["pool"]["status"]["backends"].size(), 3u) << "guests are there";
}

TEST_F(ApiTest, ABackendSaysWhereItsTunnelComesFrom) {
  EXPECT_EQ(get("/v1/pools/web/backends")["backends"][0]["status"]["outer_source"], "");
  const char* tunnel = R"({"forwarding": "ipip", "source": "198.51.100.2"})";
  EXPECT_EQ(ask("PATCH", "/v1/pools/web", tunnel).status, 200u);
  EXPECT_EQ(get("/v1/pools/web/backends")["backends"][0]["status"]["outer_source"], "198.51.100.2");
}

TEST_F(ApiTest, WhatIsLargeIsMadeBesideTheControlThread) {
  const Api api(*controller_, Access::kRead);
  for (int i = 0; i < 100; i++)
    controller_->events().add(events::Kind::kState, spdlog::level::debug, "something");
  for (const char* target : {"/v1/status", "/v1/config", "/v1/config?format=toml", "/v1/services",
                             "/v1/pools", "/v1/pools/web", "/v1/pools/web/backends", "/v1/history",
                             "/v1/events", "/v1/events?wait=60s"}) {
    std::optional<Response> answer;
    api.handle({"GET", target, "", "", "", ""}, [&](Response response) { answer = response; });
    EXPECT_FALSE(answer) << target << ": made on the loop";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!answer && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(answer) << target;
    EXPECT_EQ(answer->status, 200u) << target;
    EXPECT_EQ(answer->revision, 1u) << target;
  }
}

TEST_F(ApiTest, AReplacementIsReadBesideTheControlThread) {
  const Api api(*controller_, Access::kWrite);
  std::optional<Response> answer;
  api.handle({"PUT", "/v1/config", "", "", "", "not JSON"},
             [&](Response response) { answer = response; });
  EXPECT_FALSE(answer) << "read on the loop";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!answer && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400u);
  EXPECT_EQ(json(*answer)["error"]["field"], "body");
}

TEST_F(ApiTest, EventsOfATimeAreFoundInAnyTimeZone) {
  const auto count = [&](const std::string& since) {
    const std::string target = "/v1/events?kind=start&since=" + since;
    const Response answer = ask("GET", target);
    EXPECT_EQ(answer.status, 200u) << target;
    return json(answer)["events"].size();
  };
  controller_->events().add(events::Kind::kStart, spdlog::level::debug, "now");
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto local = [](int ahead_h, std::time_t time, const char* offset) {
    const std::time_t shifted = time + ahead_h * 3600;
    std::tm parts{};
    gmtime_r(&shifted, &parts);
    char text[40] = {};
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return text + std::string(offset);
  };
  EXPECT_EQ(count(local(0, now - 60, "Z")), 1u);
  EXPECT_EQ(count(local(10, now - 60, "+10:00")), 1u);
  EXPECT_EQ(count(local(10, now - 60, ".5%2B10:00")), 1u);
  EXPECT_EQ(count(local(-10, now + 3600, "-10:00")), 0u);
  for (const char* wrong : {"+1:00", "+24:00", "+10:60", "+1000", "10:00", "", "+10:0x"})
    EXPECT_EQ(ask("GET", "/v1/events?since=" + local(0, now, wrong)).status, 400u) << wrong;
}

TEST_F(ApiTest, APageOfEventsHasAThousandAtMost) {
  for (int i = 0; i < 1'100; i++)
    controller_->events().add(events::Kind::kState, spdlog::level::debug, "\"something\"");
  EXPECT_EQ(ask("GET", "/v1/events?limit=1001").status, 400u);
  const ApiJson page = get("/v1/events?limit=1000&kind=state");
  EXPECT_EQ(page["events"].size(), 1000u);
  EXPECT_EQ(page["events"][0]["message"], "\"something\"");
  EXPECT_EQ(page["more"], true);
  EXPECT_EQ(page["lost"], 0u);
  const std::string next = std::to_string(page["next"].get<std::uint64_t>());
  EXPECT_EQ(get("/v1/events?kind=state&since=" + next)["events"].size(), 100u);
}

TEST_F(ApiTest, OfACrowdThatWantsLargeAnswersTheLastAreRefusedAtOnce) {
  const Api api(*controller_, Access::kRead);
  std::size_t done = 0;
  std::vector<unsigned> refused;
  const auto take = [&](const Response& response) {
    if (response.status == 200)
      done++;
    else
      refused.push_back(response.status);
  };
  const Request request{"GET", "/v1/pools", "", "", "", ""};
  for (std::size_t i = 0; i < SharedTexts::kMostAside + 2; i++) api.handle(request, take);
  EXPECT_EQ(refused, (std::vector<unsigned>{503, 503}));
  const auto run_until = [&](std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (done < count && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(20));
    EXPECT_EQ(done, count);
  };
  run_until(SharedTexts::kMostAside);
  api.handle(request, take);
  run_until(SharedTexts::kMostAside + 1);
  EXPECT_EQ(refused.size(), 2u) << "places are given back";
}

TEST_F(ApiTest, NoStatusIsTakenForAnAnswerThatIsRefused) {
  const Api api(*controller_, Access::kRead);
  std::vector<unsigned> answered;
  const auto take = [&](const Response& response) { answered.push_back(response.status); };
  for (std::size_t i = 0; i < SharedTexts::kMostAside; i++)
    api.handle({"GET", "/v1/config", "", "", "", ""}, take);
  const int before = datapath_.statuses;
  for (const char* target : {"/v1/pools", "/v1/services", "/v1/pools/web/backends"})
    api.handle({"GET", target, "", "", "", ""}, take);
  EXPECT_EQ(answered, (std::vector<unsigned>{503, 503, 503}));
  EXPECT_EQ(datapath_.statuses, before);
}

TEST_F(ApiTest, OneBackendIsShownAsInTheWhole) {
  file_ = kFallbackFile;
  restart();
  ask("POST", "/v1/pools/web/backends/b1/force-down");
  const ApiJson all = get("/v1/status")["pools"][0]["backends"];
  const ApiJson list = get("/v1/pools/web/backends")["backends"];
  const ApiJson one = get("/v1/pools/web/backends/b1")["backend"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0], one);
  EXPECT_EQ(one["status"], all[0]);
  EXPECT_EQ(one["forced"], "down");
}

}  // namespace
}  // namespace guideway::admin
