// SPDX-License-Identifier: Apache-2.0
// ApiTest: the API on a real controller, whose kernel and NIC are fakes.
// Threading: the test's; see controller_fixture.h.
#ifndef GUIDEWAY_TESTS_UNIT_ADMIN_API_FIXTURE_H_
#define GUIDEWAY_TESTS_UNIT_ADMIN_API_FIXTURE_H_

#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../../support/temporary_dir.h"
#include "../control/fakes.h"
#include "guideway/admin/api.h"
#include "guideway/config/config.h"
#include "guideway/control/state_dir.h"

namespace guideway::admin {

using ApiJson = nlohmann::ordered_json;

/// Up to the first pool's backends.
inline const std::string kApiHead = R"(
schema = 1
[director]
hash_seed = "000102030405060708090a0b0c0d0e0f"
min_rebuild_interval = "0s"
[capacity]
backends = 16
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "web"
table_size = 251
)";
inline const std::string kApiService = R"(
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "web"
)";
inline const std::string kApiFile = kApiHead + R"(
backends = [
  { name = "b1", address = "10.0.0.1" },
  { name = "b2", address = "10.0.0.2" },
]
)" + kApiService;

class ApiTest : public testing::Test {
 protected:
  ApiTest() : state_dir_(*control::StateDir::open(folder_.path("state"))) {
    for (const std::uint8_t host : {1, 2, 3, 4})
      monitor_.set(IpAddress::v4({10, 0, 0, host}), compile::NextHop::State::kResolved);
    monitor_.take_changed();  // known before the start: no build of its own
    start();
  }

  void start() {
    controller_ = std::make_unique<control::Controller>(
        control::Parts{loop_, datapath_, monitor_, addresses_, {"gw-wan"}, &state_dir_},
        config::parse(file_, "f"), model::HashSeed{1, 2, 3},
        [this] { return config::parse(file_, "f"); });
    const auto started = controller_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void restart() {
    controller_.reset();
    start();
  }

  /// Sends a request and runs the loop until it is answered.
  Response ask(Request request, Access access = Access::kWrite) {
    std::optional<Response> answer;
    const Api api(*controller_, access);
    api.handle(request, [&](Response response) { answer = std::move(response); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!answer && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(answer) << request.method << " " << request.target << ": no answer in 20 s";
    return answer.value_or(Response{.status = 0, .body = "{}"});
  }
  Response ask(const std::string& method, const std::string& target, const std::string& body = "",
               const std::string& if_match = "") {
    return ask(Request{method, target, "", if_match, "", body});
  }
  ApiJson json(const Response& response) { return ApiJson::parse(response.body); }
  ApiJson get(const std::string& target) { return json(ask("GET", target)); }
  std::vector<std::string> backend_names() {
    std::vector<std::string> names;
    const ApiJson answer = get("/v1/pools/web/backends");
    for (const auto& each : answer["backends"]) names.push_back(each["config"]["name"]);
    return names;
  }
  std::uint64_t revision() { return controller_->desired().revision; }

  test::TemporaryDir folder_;
  control::StateDir state_dir_;
  boost::asio::io_context loop_;
  control::FakeDatapath datapath_{64};
  control::FakeMonitor monitor_;
  control::FakeAddresses addresses_;
  std::string file_ = kApiFile;
  std::unique_ptr<control::Controller> controller_;
};

/// An object with so many keys.
inline std::string object_of(std::size_t keys) {
  std::string text = "{";
  for (std::size_t i = 0; i < keys; i++)
    text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
  return text + "}";
}

/// A value in so many levels of arrays.
inline std::string nested(int levels) {
  const auto count = static_cast<std::size_t>(levels);
  return std::string(count, '[') + std::string(count, ']');
}

/// Requests that this server must refuse.
inline std::vector<Request> wrong_requests() {
  return {
      {"GET", "/", "", "", "", ""},
      {"GET", "v1/status", "", "", "", ""},
      {"GET", "/v1/status?x=1", "", "", "", ""},
      {"GET", "/v1/pools/%zz", "", "", "", ""},
      {"BREW", "/v1/pools", "", "", "", ""},
      {"GET", "/v1/status?=1", "", "", "", ""},
      {"GET", "/v1/events?kind=a%0ab", "", "", "", ""},
      {"GET", "/v1/pools?x=%4", "", "", "", ""},
      {"PUT", "/v1/pools/web", "", "", "", "[]"},
      {"PUT", "/v1/pools/web", "", "", "", "not JSON"},
      {"POST", "/v1/confirm", "", "", "", "7"},
      {"PUT", "/v1/pools/web", "", "", "", nested(33)},
      {"PUT", "/v1/pools/web", "", "x", "", "{}"},
      {"PUT", "/v1/pools/web", "", "", "a b", "{}"},
      {"PUT", "/v1/pools/..%2f..", "", "", "", "{}"},
      {"PUT", "/v1/pools/web/backends/b1", "", "", "", R"({"name": "b7"})"},
      {"PUT", "/v1/pools/web/backends/b1", "", "", "", R"({"address": "10.0.0.1", "ttl": 5})"},
      {"PATCH", "/v1/pools/web", "", "", "", R"({"forwarding": {"a": 1}})"},
      {"PUT", "/v1/pools/web", "", "", "", object_of(257)},
      {"GET", "/v1/events?since=9999-01-01T00:00:00Z", "", "", "", ""},
      {"PATCH", "/v1/pools/web", "", "", "", R"({"backends": null, "table_size": 4})"},
      {"PATCH", "/v1/services/http", "", "", "", R"({"pool": "wbe"})"},
      {"DELETE", "/v1/pools/web", "", "", "", ""},
      {"DELETE", "/v1/services/http", "", "", "", "{}"},
      {"PUT", "/v1/config", "", "", "", R"({"pools": []})"},
      {"PUT", "/v1/config", "application/toml", "", "", "not = toml = at all"},
      {"PUT", "/v1/config?confirm_within=2", "", "", "", R"({"pools": [], "services": []})"},
      {"POST", "/v1/batch", "", "", "", R"({"changes": [{"op": "eat", "path": "pools/web"}]})"},
      {"POST", "/v1/pools/web/backends/b1/drain", "", "", "", R"({"then": "reset"})"},
      {"POST", "/v1/rollback", "", "", "", R"({"revision": -1})"},
  };
}

}  // namespace guideway::admin

#endif  // GUIDEWAY_TESTS_UNIT_ADMIN_API_FIXTURE_H_
