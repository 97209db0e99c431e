// SPDX-License-Identifier: Apache-2.0
// docs/openapi.json says of each resource what the server does.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api_fixture.h"
#include "fits_schema.h"

namespace guideway::admin {
namespace {

/// The operation's names of parameters in "query" or "header".
std::set<std::string> parameters_in(const ApiJson& operation, const std::string& place) {
  std::set<std::string> names;
  for (const ApiJson& parameter : operation.value("parameters", ApiJson::array()))
    if (parameter["in"] == place) names.insert(parameter["name"].get<std::string>());
  return names;
}

ApiJson operation_of(const RouteName& route) {
  std::string method = route.method;
  for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return described_api()["paths"][route.path][method];
}

TEST(OpenApi, HasTheServersRoutesAndNoOthers) {
  ASSERT_TRUE(described_api().is_object()) << "docs/openapi.json is not JSON";
  std::set<RouteName> described;
  for (const auto& [path, item] : described_api()["paths"].items())
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") {
        for (const ApiJson& parameter : operation) EXPECT_EQ(parameter["in"], "path") << path;
        continue;
      }
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      described.insert({upper, path, parameters_in(operation, "query")});
      EXPECT_FALSE(operation["summary"].is_null()) << upper << " " << path;
      EXPECT_EQ(operation["responses"]["default"]["content"]["application/json"]["schema"],
                schema_named("Error"))
          << upper << " " << path;
    }
  const auto all = routes();
  const std::set<RouteName> served(all.begin(), all.end());
  for (const RouteName& route : served)
    EXPECT_TRUE(described.contains(route)) << route.method << " " << route.path;
  EXPECT_EQ(described.size(), served.size());
}

TEST(OpenApi, WhatWritesHasItsHeaders) {
  using testing::IsSupersetOf;
  for (const RouteName& route : routes()) {
    if (route.method == "GET") continue;
    EXPECT_THAT(parameters_in(operation_of(route), "header"),
                IsSupersetOf({"If-Match", "X-Request-Id"}))
        << route.method << " " << route.path;
  }
}

/// A server with something of everything: two revisions, a mark, an unconfirmed change.
class OpenApiTest : public ApiTest {
 protected:
  OpenApiTest() {
    const std::string pool = R"({"table_size": 251})";
    EXPECT_EQ(ask("PUT", "/v1/pools/api", pool).status, 201u);
    EXPECT_EQ(ask("POST", "/v1/pools/web/backends/b1/force-down", R"({"for": "1h"})").status, 200u);
    EXPECT_EQ(ask("DELETE", "/v1/pools/web/backends/b2").status, 200u);
    config_ = get("/v1/config");
    ApiJson other = config_;
    other["pools"][0]["backends"][0]["weight"] = 7;
    EXPECT_EQ(ask("PUT", "/v1/config?confirm_within=1h", other.dump()).status, 200u);
  }

  /// The path with names that there are. What is deleted is not in use.
  static std::string path_of(const RouteName& route) {
    std::string path = route.path;
    const std::string pool = route.method == "DELETE" && path == "/v1/pools/{pool}" ? "api" : "web";
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"{service}", "http"},
                                      {"{pool}", pool},
                                      {"{backend}", "b1"}})
      if (const std::size_t at = path.find(name); at != std::string::npos)
        path.replace(at, name.size(), value);
    return path;
  }

  std::string body_of(const RouteName& route) const {
    const bool is_whole = route.path == "/v1/config" || route.path == "/v1/plan";
    if (is_whole) return config_.dump();
    if (route.path == "/v1/batch") return R"({"changes": [{"op": "delete", "path": "pools/api"}]})";
    if (route.path == "/v1/pools/{pool}/backends/{backend}/drain")
      return R"({"deadline": "1h", "then": "reset"})";
    const std::map<std::string, std::string> resources = {
        {"/v1/services/{service}", R"({"address": "203.0.113.10", "port": 80, "pool": "api"})"},
        {"/v1/pools/{pool}", R"({"table_size": 251})"},
        {"/v1/pools/{pool}/backends/{backend}", R"({"address": "10.0.0.4"})"}};
    const auto found = resources.find(route.path);
    return found == resources.end() || route.method == "DELETE" ? "" : found->second;
  }

  /// The answer is as the description of its status says.
  void expect_described(const RouteName& route, const Response& response) {
    const std::string what = route.method + " " + route.path;
    const ApiJson responses = operation_of(route)["responses"];
    const std::string status = std::to_string(response.status);
    ASSERT_TRUE(responses.contains(status)) << what << ": " << status << " " << response.body;
    const ApiJson content = responses[status]["content"];
    ASSERT_TRUE(content.contains(response.content_type)) << what << ": " << response.content_type;
    const ApiJson schema = content[response.content_type]["schema"];
    const bool is_json = response.content_type == "application/json";
    expect_fits(schema, is_json ? json(response) : ApiJson(response.body), what);
  }

  ApiJson config_;
};

TEST_F(OpenApiTest, EveryGetAnswersAsItIsDescribed) {
  const std::map<std::string, std::vector<std::string>> queries = {
      {"/v1/config", {"", "?format=json", "?format=toml"}},
      {"/v1/explain",
       {"?protocol=tcp&source=198.51.100.7:1&destination=203.0.113.10:80",
        "?protocol=udp&source=198.51.100.7:1&destination=203.0.113.99:80&flags=ack"}},
      {"/v1/events", {"", "?kind=state&limit=1", "?since=0"}}};
  for (const RouteName& route : routes()) {
    if (route.method != "GET") continue;
    const auto found = queries.find(route.path);
    for (const std::string& query :
         found == queries.end() ? std::vector<std::string>{""} : found->second)
      expect_described(route, ask("GET", path_of(route) + query));
  }
}

TEST_F(OpenApiTest, EveryWriteAnswersAsItIsDescribed) {
  for (const RouteName& route : routes()) {
    if (route.method == "GET") continue;
    const bool may_be_dry = route.query.contains("dry_run");
    expect_described(route, ask(route.method, path_of(route) + (may_be_dry ? "?dry_run=true" : ""),
                                body_of(route)));
  }
  // One that makes something answers 201.
  for (const RouteName& route : routes())
    if (route.method == "PUT" && route.path == "/v1/pools/{pool}/backends/{backend}")
      expect_described(route,
                       ask("PUT", "/v1/pools/web/backends/b9", R"({"address": "10.0.0.3"})"));
}

TEST_F(ApiTest, EveryErrorIsAsItIsDescribed) {
  for (const Request& request : wrong_requests())
    expect_fits(schema_named("Error"), json(ask(request)), request.method + " " + request.target);
  expect_fits(schema_named("Error"), json(ask("PATCH", "/v1/pools/web", "{}", "99")), "If-Match");
  expect_fits(schema_named("Error"),
              json(ask(Request{"PUT", "/v1/config", "application/toml", "", "", "schema = 2\n"})),
              "a file");
}

}  // namespace
}  // namespace guideway::admin
