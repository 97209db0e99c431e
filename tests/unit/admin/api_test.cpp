// SPDX-License-Identifier: Apache-2.0
// The API on a real controller, whose kernel and NIC are fakes.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "api_fixture.h"

namespace guideway::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

TEST_F(ApiTest, ABackendsWeightIsChangedAndTheAnswerCarriesTheRevision) {
  const Response response = ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})", "\"1\"");
  EXPECT_EQ(response.status, 200u) << response.body;
  EXPECT_EQ(response.revision, 2u);
  const ApiJson answer = json(response);
  EXPECT_EQ(answer["revision"], 2);
  EXPECT_EQ(answer["generation"], 2);
  EXPECT_EQ(answer["changes"][0]["path"], "pools/web/backends/b1");
  const ApiJson backend = get("/v1/pools/web/backends/b1")["backend"];
  EXPECT_EQ(backend["config"]["weight"], 50);
  EXPECT_EQ(backend["status"]["weight"], 50);
  EXPECT_EQ(backend["status"]["slots"], 84);
}

TEST_F(ApiTest, OfTwoWritersWithOneRevisionTheSecondIsRefused) {
  EXPECT_EQ(ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})", "1").status, 200u);
  const Response second = ask("PATCH", "/v1/pools/web/backends/b2", R"({"weight": 1})", "1");
  EXPECT_EQ(second.status, 412u);
  EXPECT_EQ(json(second)["error"]["code"], "revision_conflict");
  EXPECT_EQ(get("/v1/pools/web/backends/b2")["backend"]["status"]["weight"], 100);
}

TEST_F(ApiTest, WhatBreaksARuleIsRefusedWithItsFieldAndChangesNothing) {
  const Response response =
      ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 1001, "address": "127.0.0.1"})");
  EXPECT_EQ(response.status, 422u);
  const ApiJson error = json(response)["error"];
  EXPECT_EQ(error["code"], "invalid");
  EXPECT_EQ(error["all"].size(), 2u) << error;
  EXPECT_THAT(error["field"], HasSubstr("pool[0].backends[0]"));
  EXPECT_EQ(revision(), 1u);
  EXPECT_THAT(datapath_.published, ElementsAre(1));
}

TEST_F(ApiTest, BackendsComeAndGo) {
  EXPECT_EQ(ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.3"})").status, 201u);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2", "b3"));
  EXPECT_EQ(ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.3"})").status, 200u);
  EXPECT_EQ(revision(), 2u) << "the second PUT says nothing new";
  EXPECT_EQ(ask("DELETE", "/v1/pools/web/backends/b1").status, 200u);
  EXPECT_THAT(backend_names(), ElementsAre("b2", "b3"));
  const Response again = ask("DELETE", "/v1/pools/web/backends/b1");
  EXPECT_EQ(again.status, 404u);
  EXPECT_THAT(json(again)["error"]["message"], HasSubstr("did you mean"));
}

TEST_F(ApiTest, ABatchIsAllOrNothing) {
  const Response bad = ask("POST", "/v1/batch", R"({"changes": [
      {"op": "delete", "path": "pools/web/backends/b1"},
      {"op": "patch", "path": "pools/web/backends/b9", "value": {"weight": 1}}]})");
  EXPECT_EQ(bad.status, 404u);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2"));
  const Response good = ask("POST", "/v1/batch", R"({"changes": [
      {"op": "put", "path": "pools/api", "value": {"table_size": 251}},
      {"op": "put", "path": "pools/api/backends/c1", "value": {"address": "10.0.0.4"}},
      {"op": "put", "path": "services/api",
       "value": {"address": "203.0.113.11", "port": 81, "pool": "api"}}]})");
  EXPECT_EQ(good.status, 200u) << good.body;
  EXPECT_EQ(get("/v1/services/api")["service"]["status"][0]["pool"], "api");
  EXPECT_TRUE(addresses_.vips.contains(IpAddress::v4({203, 0, 113, 11})));
}

TEST_F(ApiTest, ADryRunSaysWhatWouldHappenAndChangesNothing) {
  const ApiJson answer = json(ask("DELETE", "/v1/pools/web/backends/b2?dry_run=true"));
  EXPECT_EQ(answer["dry_run"], true);
  EXPECT_EQ(answer["revision"], 1);
  EXPECT_EQ(answer["pools"][0]["pool"], "web");
  EXPECT_EQ(answer["pools"][0]["slots_moved"], 125) << answer;
  EXPECT_EQ(answer["removed"][0]["path"], "pools/web/backends/b2");
  EXPECT_EQ(answer["notes"], ApiJson::array());
  EXPECT_THAT(answer["services"], IsEmpty());
  const ApiJson service = json(ask("DELETE", "/v1/services/http?dry_run=true"))["services"][0];
  EXPECT_EQ(service["service"], "http");
  EXPECT_EQ(service["from_pool"], "web");
  EXPECT_TRUE(service["to_pool"].is_null()) << service;
  EXPECT_EQ(service["live_flows_at_most"], 0);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2"));
  EXPECT_THAT(datapath_.published, ElementsAre(1));
}

TEST_F(ApiTest, ChangesOutliveARestartAndAReloadOfTheSameFile) {
  ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})");
  ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.3"})");
  restart();
  EXPECT_EQ(revision(), 3u);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2", "b3"));
  EXPECT_EQ(get("/v1/pools/web/backends/b1")["backend"]["status"]["weight"], 50);
  const std::uint64_t generation = controller_->status().generation;
  EXPECT_EQ(ask("POST", "/v1/reload").status, 200u);
  EXPECT_EQ(revision(), 3u);
  EXPECT_EQ(controller_->status().generation, generation) << "an unchanged file changes nothing";
}

TEST_F(ApiTest, ANewFileGetsTheChangesOnTopAndWhatDoesNotFitIsDropped) {
  ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})");
  ask("PATCH", "/v1/pools/web/backends/b2", R"({"weight": 60})");
  file_ = kApiFile;
  const std::string b2 = R"(  { name = "b2", address = "10.0.0.2" },)";
  file_.replace(file_.find(b2), b2.size(), R"(  { name = "b4", address = "10.0.0.4" },)");
  EXPECT_EQ(ask("POST", "/v1/reload").status, 200u);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b4"));
  EXPECT_EQ(get("/v1/pools/web/backends/b1")["backend"]["config"]["weight"], 50);
}

TEST_F(ApiTest, ABadFileIsNamedAndChangesNothing) {
  file_ = kApiFile + "nonsense";
  const Response response = ask("POST", "/v1/reload");
  EXPECT_EQ(response.status, 422u);
  EXPECT_EQ(json(response)["error"]["field"], "file") << response.body;
  EXPECT_EQ(revision(), 1u);
}

TEST_F(ApiTest, ARollbackIsAChangeOfItsOwn) {
  ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})");
  ask("DELETE", "/v1/pools/web/backends/b2");
  EXPECT_EQ(ask("POST", "/v1/rollback").status, 200u);
  EXPECT_THAT(backend_names(), UnorderedElementsAreArray({"b1", "b2"}));
  EXPECT_EQ(ask("POST", "/v1/rollback", R"({"revision": 1})").status, 200u);
  EXPECT_EQ(revision(), 5u);
  EXPECT_THAT(get("/v1/diff")["changes"], IsEmpty());
  EXPECT_EQ(ask("POST", "/v1/rollback", R"({"revision": 99})").status, 404u);
  const ApiJson history = get("/v1/history")["history"];
  EXPECT_EQ(history.size(), 5u);
  EXPECT_EQ(history.back()["source"], "rollback");
}

TEST_F(ApiTest, AConfirmationCanBeTried) {
  EXPECT_EQ(ask("POST", "/v1/confirm?dry_run=true").status, 409u) << "there is nothing to confirm";
  ApiJson other = get("/v1/config");
  other["pools"][0]["backends"][0]["weight"] = 7;
  EXPECT_EQ(ask("PUT", "/v1/config?confirm_within=1h", other.dump()).status, 200u);
  const Response tried = ask("POST", "/v1/confirm?dry_run=true");
  EXPECT_EQ(tried.status, 200u) << tried.body;
  EXPECT_EQ(json(tried)["dry_run"], true);
  EXPECT_FALSE(get("/v1/history")["unconfirmed_until"].is_null()) << "it still waits";
  EXPECT_EQ(ask("POST", "/v1/confirm").status, 200u);
  EXPECT_TRUE(get("/v1/history")["unconfirmed_until"].is_null());
}

TEST_F(ApiTest, AnUnconfirmedChangeIsTakenBack) {
  ApiJson config = get("/v1/config");
  config["pools"][0]["backends"].erase(1);
  const Response put = ask("PUT", "/v1/config?confirm_within=1s", config.dump());
  EXPECT_EQ(put.status, 200u) << put.body;
  EXPECT_THAT(backend_names(), ElementsAre("b1"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (controller_->desired().unconfirmed && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2"));
  EXPECT_EQ(ask("POST", "/v1/confirm").status, 409u);
  ask("PUT", "/v1/config?confirm_within=1h", config.dump());
  EXPECT_EQ(ask("POST", "/v1/confirm").status, 200u);
  EXPECT_THAT(backend_names(), ElementsAre("b1"));
}

TEST_F(ApiTest, AnUnconfirmedChangeIsTakenBackAfterARestartToo) {
  ApiJson config = get("/v1/config");
  config["pools"][0]["backends"].erase(1);
  EXPECT_EQ(ask("PUT", "/v1/config?confirm_within=1s", config.dump()).status, 200u);
  const auto until = controller_->desired().unconfirmed->until;
  controller_.reset();
  while (std::chrono::system_clock::now() < until) usleep(1000);
  start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (controller_->desired().unconfirmed && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2"));
}

TEST_F(ApiTest, WhatIsOverWhenTheDaemonComesBackIsAnEvent) {
  ask("POST", "/v1/pools/web/backends/b1/force-down", R"({"for": "1s"})");
  ask("POST", "/v1/pools/web/backends/b2/force-down");
  const auto until = controller_->desired().marks.at({"web", "b1"}).forced_until.value();
  controller_.reset();
  while (std::chrono::system_clock::now() < until) usleep(1000);
  const std::string b2 = R"(  { name = "b2", address = "10.0.0.2" },)";
  file_.erase(file_.find(b2), b2.size());
  start();
  const ApiJson ended = get("/v1/events?kind=admin")["events"];
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0]["backend"], "b1");
  const ApiJson dropped = get("/v1/events?kind=config")["events"];
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_THAT(dropped[0]["message"].get<std::string>(), HasSubstr("pools/web/backends/b2"));
}

TEST_F(ApiTest, AFileCanBeAppliedAndSavedAgain) {
  const Response toml = ask("GET", "/v1/config?format=toml");
  EXPECT_EQ(toml.content_type, "application/toml");
  EXPECT_THAT(toml.body, ::testing::Not(HasSubstr("hash_seed"))) << "a secret";
  std::string text = toml.body;
  const std::size_t at = text.find("10.0.0.2");
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, 8, "10.0.0.3");
  const Response put = ask(Request{"PUT", "/v1/config", "application/toml", "", "", text});
  EXPECT_EQ(put.status, 200u) << put.body;
  EXPECT_EQ(get("/v1/pools/web/backends/b2")["backend"]["config"]["address"], "10.0.0.3");
  const Response other = ask(Request{"PUT", "/v1/config", "application/toml", "", "",
                                     text + "\n[admin]\nmetrics = \"\"\n"});
  EXPECT_EQ(other.status, 409u) << other.body;
}

TEST_F(ApiTest, EachErrorOfAFileIsInTheList) {
  const Response refused =
      ask(Request{"PUT", "/v1/config", "application/toml", "", "", "schema = 2\nprot = 1\n"});
  EXPECT_EQ(refused.status, 422u);
  const ApiJson error = json(refused)["error"];
  ASSERT_EQ(error["all"].size(), 3u) << error;
  EXPECT_EQ(error["message"], error["all"][0]["message"]);
  EXPECT_THAT(error["all"][0]["message"].get<std::string>(), HasSubstr("request:1:1: interface"));
  EXPECT_THAT(error["all"][1]["message"].get<std::string>(), HasSubstr("request:1:10: schema"));
  EXPECT_THAT(error["all"][2]["message"].get<std::string>(), HasSubstr("request:2:1: prot"));
  EXPECT_FALSE(json(ask("GET", "/v1/pools/none"))["error"].contains("all"));
}

TEST_F(ApiTest, ATimeToLiveRemovesABackendThatIsNotRenewed) {
  EXPECT_EQ(
      ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.3", "ttl": "1s"})").status,
      201u);
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2", "b3"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (backend_names().size() == 3 && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  EXPECT_THAT(backend_names(), ElementsAre("b1", "b2"));
}

TEST_F(ApiTest, ARenewalKeepsWhatTheOperatorSaidMeanwhile) {
  const std::string path = "/v1/pools/web/backends/b3";
  const char* renewal = R"({"address": "10.0.0.3", "ttl": "1h"})";
  EXPECT_EQ(ask("PUT", path, renewal).status, 201u);
  EXPECT_EQ(ask("POST", path + "/drain", R"({"deadline": "1h"})").status, 200u);
  EXPECT_EQ(ask("PATCH", path, R"({"weight": 7})").status, 200u);
  const std::uint64_t before = revision();
  EXPECT_EQ(ask("PUT", path, renewal).status, 200u);
  EXPECT_EQ(ask("PATCH", path, R"({"ttl": "2h"})").status, 200u);
  const ApiJson renewed = get(path)["backend"];
  EXPECT_EQ(renewed["config"]["state"], "drain");
  EXPECT_EQ(renewed["config"]["weight"], 7);
  EXPECT_TRUE(renewed["drain_until"].is_string());
  EXPECT_EQ(revision(), before) << "nothing but the time to live has changed";
  // What is named counts, and a PUT that renews nothing replaces the whole.
  const char* with_weight = R"({"address": "10.0.0.3", "weight": 50, "ttl": "1h"})";
  EXPECT_EQ(ask("PUT", path, with_weight).status, 200u);
  EXPECT_EQ(get(path)["backend"]["config"]["weight"], 50);
  EXPECT_EQ(get(path)["backend"]["config"]["state"], "drain");
  EXPECT_EQ(ask("PUT", path, R"({"address": "10.0.0.3"})").status, 200u);
  EXPECT_FALSE(get(path)["backend"]["config"].contains("state"));
  EXPECT_EQ(ask("PUT", path, renewal).status, 200u);
  EXPECT_FALSE(get(path)["backend"]["config"].contains("weight"));
}

TEST_F(ApiTest, ADrainTakesNoNewFlowsAndMayResetAtItsDeadline) {
  const Response response =
      ask("POST", "/v1/pools/web/backends/b1/drain", R"({"deadline": "1s", "then": "reset"})");
  EXPECT_EQ(response.status, 200u) << response.body;
  const ApiJson drained = get("/v1/pools/web/backends/b1")["backend"];
  EXPECT_EQ(drained["config"]["state"], "drain");
  EXPECT_EQ(drained["status"]["slots"], 0);
  EXPECT_TRUE(drained["drain_until"].is_string());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto resets = [&] {
    for (const auto& info : datapath_.state().backend_info)
      if (info.name == "b1" && info.resets_flows) return true;
    return false;
  };
  while (!resets() && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(resets());
  EXPECT_EQ(ask("POST", "/v1/pools/web/backends/b1/enable").status, 200u);
  EXPECT_FALSE(resets());
}

TEST_F(ApiTest, HealthByHandEndsByItself) {
  EXPECT_EQ(ask("POST", "/v1/pools/web/backends/b1/force-down", R"({"for": "1s"})").status, 200u);
  const ApiJson forced = get("/v1/pools/web/backends/b1")["backend"];
  EXPECT_EQ(forced["forced"], "down");
  EXPECT_TRUE(forced["forced_until"].is_string());
  EXPECT_EQ(get("/v1/history")["history"].back()["changes"][0]["value"]["forced"], "down");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (get("/v1/pools/web/backends/b1")["backend"].contains("forced") &&
         std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(get("/v1/pools/web/backends/b1")["backend"].contains("forced"));
  const ApiJson said = get("/v1/events?kind=state")["events"];
  ASSERT_EQ(said.size(), 2u) << said;
  EXPECT_EQ(said[0]["backend"], "b1");
  EXPECT_EQ(said[0]["to_forced"], "down");
  EXPECT_EQ(said[1]["to_forced"], "none");
  const ApiJson over = get("/v1/events?kind=admin")["events"][0];
  EXPECT_EQ(over["backend"], "b1");
  EXPECT_EQ(over["change_id"], said[1]["change_id"]);
}

TEST_F(ApiTest, ExplainRunsTheCoreOnTheLiveTables) {
  const ApiJson found = get(
      "/v1/explain?protocol=tcp&source=198.51.100.7:4242&destination=203.0.113.10:80")["explain"];
  EXPECT_EQ(found["verdict"], "forward");
  EXPECT_EQ(found["service"], "http");
  EXPECT_EQ(found["flow"], "miss");
  EXPECT_TRUE(found["slot"].is_number());
  EXPECT_THAT(std::string(found["backend"]), ::testing::AnyOf("b1", "b2"));
  EXPECT_EQ(std::string(found["header"]).size(), 28u) << "an Ethernet header in hexadecimal";
  const ApiJson other = get(
      "/v1/explain?protocol=udp&source=198.51.100.7:4242&destination=203.0.113.10:80")["explain"];
  EXPECT_EQ(other["verdict"], "kernel");
  EXPECT_EQ(other["reason"], "no_service");
  EXPECT_EQ(ask("GET", "/v1/explain?protocol=tcp&source=1.2.3.4&destination=x").status, 400u);
}

TEST_F(ApiTest, EventsAreFoundAndAwaited) {
  Request change{"PATCH", "/v1/pools/web/backends/b1", "", "", "my-change", R"({"weight": 50})"};
  EXPECT_EQ(json(ask(change))["change_id"], "my-change");
  const ApiJson found = get("/v1/events?kind=state,generation");
  bool seen = false;
  for (const auto& event : found["events"])
    seen = seen || event.value("change_id", "") == "my-change";
  EXPECT_TRUE(seen) << found;
  const std::string next = std::to_string(found["next"].get<std::uint64_t>());
  EXPECT_THAT(get("/v1/events?since=" + next)["events"], IsEmpty());
  std::optional<Response> late;
  const Api api(*controller_, Access::kRead);
  api.handle({"GET", "/v1/events?wait=60s&since=" + next, "", "", "", ""},
             [&](Response response) { late = std::move(response); });
  EXPECT_FALSE(late);
  ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 60})");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!late && std::chrono::steady_clock::now() < deadline)
    loop_.run_one_for(std::chrono::milliseconds(20));
  ASSERT_TRUE(late);
  EXPECT_FALSE(json(*late)["events"].empty());
  const Response no_kind = ask("GET", "/v1/events?kind=state,halth");
  EXPECT_EQ(no_kind.status, 400u);
  EXPECT_EQ(json(no_kind)["error"]["message"],
            "\"halth\" is none of start, config, generation, state, health, panic, address, "
            "admin; the nearest is \"health\"");
  EXPECT_EQ(ask("GET", "/v1/events?since=yesterday").status, 400u);
  EXPECT_EQ(ask("GET", "/v1/events?wait=61s").status, 400u);
}

TEST_F(ApiTest, TheReadOnlySocketCannotWrite) {
  for (const RouteName& route : routes()) {
    if (route.method == "GET") continue;
    const Response response =
        ask(Request{route.method, "/v1/config", "", "", "", "{}"}, Access::kRead);
    EXPECT_EQ(response.status, 405u) << route.path;
    EXPECT_EQ(response.allow, "GET, HEAD");
  }
}

TEST_F(ApiTest, EveryWrongRequestGetsA4xxWithItsFieldAndChangesNothing) {
  const model::Model before = controller_->model();
  for (const Request& request : wrong_requests()) {
    const std::string what = request.method + " " + request.target + " " + request.body;
    const Response response = ask(request);
    EXPECT_GE(response.status, 400u) << what;
    EXPECT_LT(response.status, 500u) << what;
    const ApiJson error = json(response)["error"];
    EXPECT_TRUE(error["message"].is_string()) << what;
    EXPECT_NE(error.value("field", ""), "") << what << error;
    EXPECT_EQ(json(response)["revision"], 1);
    EXPECT_EQ(response.revision, 1u);
  }
  EXPECT_EQ(revision(), 1u);
  EXPECT_EQ(controller_->model(), before);
}

TEST_F(ApiTest, ABodyHas32LevelsAnd256KeysAtMost) {
  // In the body's own object, as a value of an unknown key.
  const auto put = [&](const std::string& value) {
    return ask("PUT", "/v1/pools/web", "{\"x\": " + value + "}");
  };
  for (const auto& [body, is_taken] :
       std::initializer_list<std::pair<std::string, bool>>{{nested(31), true},
                                                           {nested(32), false},
                                                           {object_of(256), true},
                                                           {object_of(257), false}}) {
    const ApiJson error = json(put(body))["error"];
    if (is_taken) {
      EXPECT_THAT(error["message"], HasSubstr("unknown")) << "it was read: " << error;
    } else {
      EXPECT_EQ(error["field"], "body") << error;
    }
  }
}

/// `unit` again and again between the two, as long as a body may be.
std::string full_body(const std::string& begin, const std::string& unit, const std::string& end) {
  std::string text = begin + unit;
  const std::string more = end == "" ? unit : "," + unit;
  while (text.size() + more.size() + end.size() <= kMaxBody) text += more;
  return text + end;
}

TEST_F(ApiTest, HoweverMuchIsWrongTheAnswerAndItsEventsAreFew) {
  const std::vector<Request> requests = {
      {"PUT", "/v1/config", "", "", "", full_body(R"({"services":[],"pools":[)", "{}", "]}")},
      {"PUT", "/v1/config", "", "", "", full_body(R"({"pools":[],"services":[)", "{}", "]}")},
      {"POST", "/v1/plan", "", "", "", full_body(R"({"pools":[],"services":[)", "{}", "]}")},
      // About as many as there is room for.
      {"PUT", "/v1/config", "", "", "",
       full_body(R"({"pools":[],"services":[)", object_of(128), "]}")},
      {"PUT", "/v1/config", "", "", "",
       full_body(R"({"services":[],"pools":[{"backends":[)", "{}", "]}]}")},
      {"PUT", "/v1/config", "", "", "",
       full_body(R"({"services":[],"pools":[{"source":[)", "0", "]}]}")},
      {"PUT", "/v1/config", "", "", "",
       full_body(R"({"services":[],"pools":[{"forwarding":"nat","source":[)", "\"10.9.9.9\"",
                 "]}]}")},
      {"PUT", "/v1/config", "application/toml", "", "", full_body("", "[[pool]]\n", "")},
      {"PUT", "/v1/config", "application/toml", "", "", full_body("", "[[service]]\n", "")},
      {"POST", "/v1/batch", "", "", "",
       full_body(R"({"changes":[)", R"({"op":"delete","path":"services/a"})", "]}")},
  };
  for (const Request& request : requests) {
    const std::string what = request.target + " " + request.body.substr(0, 50);
    const std::uint64_t before = controller_->events().newest();
    ASSERT_LE(request.body.size(), kMaxBody);
    const Response answer = ask(request);
    EXPECT_EQ(answer.status / 100, 4u) << what;
    EXPECT_LE(answer.body.size(), 64u << 10) << what;
    EXPECT_LE(json(answer)["error"]["all"].size(), 100u) << what;
    EXPECT_LE(controller_->events().newest() - before, 102u) << what;
  }
  EXPECT_EQ(revision(), 1u);
}

TEST_F(ApiTest, AChangeThatCannotBeSavedIsRefused) {
  if (getuid() != 0) {
    ASSERT_EQ(chmod(folder_.path("state").c_str(), 0500), 0);
  }
  // As root modes do not help: a folder in the temporary file's way does.
  ASSERT_EQ(mkdir(folder_.path("state/desired.new").c_str(), 0700), 0);
  const Response response = ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})");
  EXPECT_EQ(response.status, 507u) << response.body;
  EXPECT_EQ(revision(), 1u);
  EXPECT_EQ(get("/v1/pools/web/backends/b1")["backend"]["status"]["weight"], 100);
}

TEST_F(ApiTest, WhatEndsIsSaidOnceItIsDone) {
  ask("PUT", "/v1/pools/web/backends/b3", R"({"address": "10.0.0.3", "ttl": "1s"})");
  ASSERT_EQ(backend_names().size(), 3u);
  ASSERT_EQ(mkdir(folder_.path("state/desired.new").c_str(), 0700), 0);
  const auto faults = [&] { return get("/v1/events?kind=config")["events"].size(); };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto is_late = [&] { return std::chrono::steady_clock::now() > deadline; };
  while (faults() == 0 && !is_late()) loop_.run_one_for(std::chrono::milliseconds(50));
  EXPECT_EQ(get("/v1/events?kind=admin")["events"].size(), 0u) << "it is not done";
  ASSERT_EQ(rmdir(folder_.path("state/desired.new").c_str()), 0);
  while (backend_names().size() == 3 && !is_late())
    loop_.run_one_for(std::chrono::milliseconds(50));
  EXPECT_EQ(backend_names().size(), 2u);
  EXPECT_EQ(get("/v1/events?kind=admin")["events"].size(), 1u);
}

TEST_F(ApiTest, WhatIsDamagedInTheStateDirectoryIsAnEvent) {
  ask("PATCH", "/v1/pools/web/backends/b1", R"({"weight": 50})");
  std::ofstream(folder_.path("state/desired")) << "garbage";
  restart();
  const ApiJson events = get("/v1/events?kind=config")["events"];
  ASSERT_GE(events.size(), 1u);
  EXPECT_THAT(events[0]["message"], HasSubstr("set aside as desired.bad"));
}

}  // namespace
}  // namespace guideway::admin
