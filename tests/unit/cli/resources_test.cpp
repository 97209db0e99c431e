// SPDX-License-Identifier: Apache-2.0
// service|pool|backend list, show, add, set, remove.
#include "guideway/admin/status_json.h"
#include "json.h"
#include "tool_test.h"

namespace guideway::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kServiceConfig =
    R"({"name": "web", "address": "203.0.113.10", "protocol": "tcp", "port": 80, "pool": "web"})";
constexpr const char* kBackendConfig = R"({"name": "b1", "address": "10.0.0.11", "weight": 50})";
/// What the daemon says of the one service, its pool and the pool's backend.
Json status() {
  control::Status all;
  control::ServiceStatus service;
  service.name = service.pool = "web";
  service.address = IpAddress::parse("203.0.113.10").value();
  service.port = 80;
  service.protocol = "tcp";
  service.traffic = {1500, 96000, 3};
  all.services = {service};
  control::BackendStatus backend;
  backend.name = "b1";
  backend.address = IpAddress::parse("10.0.0.11").value();
  backend.weight = backend.effective_weight = 50;
  backend.state = "enabled";
  backend.health = "healthy";
  backend.health_since_s = 1714564800;
  backend.weight_rule = "forced_up";
  backend.forced = "up";
  backend.reachable = true;
  backend.standing = "unhealthy";
  backend.mode = "hold";
  backend.kept = true;
  backend.held_until_s = 1714564860;
  backend.last_error = "timeout";
  backend.last_error_detail = "no answer in time";
  backend.last_error_at_s = 1714564740;
  backend.slots = 65537;
  backend.live_flows = 17;
  backend.reason = "\x1b[31m";
  control::PoolStatus pool;
  pool.name = "web";
  pool.forwarding = "l2dsr";
  pool.scheduler = "maglev";
  pool.state = "normal";
  pool.slots = 65537;
  pool.backends = {backend};
  all.pools = {pool};
  return Json::parse(admin::status_json(all));
}

Json pool_resource() {
  return {{"config",
           {{"name", "web"},
            {"forwarding", "l2dsr"},
            {"health_check", {{"interval", "5s"}}},
            {"backends", {Json::parse(kBackendConfig)}}}},
          {"status", status().at("pools")[0]}};
}

class ResourcesTest : public ToolTest {
 protected:
  ResourcesTest() {
    const Json service = {{"config", Json::parse(kServiceConfig)},
                          {"status", status().at("services")}};
    const Json backend = {{"pool", "web"},
                          {"config", Json::parse(kBackendConfig)},
                          {"status", status().at("pools")[0].at("backends")[0]},
                          {"live_flows_age_s", 1},
                          {"forced", "down"},
                          {"drain_until", nullptr}};
    answer("/v1/services", "services", Json::array({service}));
    answer("/v1/services/web", "service", service);
    answer("/v1/pools", "pools", Json::array({pool_resource()}));
    answer("/v1/pools/web", "pool", pool_resource());
    answer("/v1/pools/web/backends", "backends", Json::array({backend}));
    answer("/v1/pools/web/backends/b1", "backend", backend);
  }

  void answer(const std::string& path, const std::string& member, const Json& value) {
    daemon_.answer("GET " + path, json_line({{"api", 1}, {"revision", 12}, {member, value}}));
  }

  Json sent() const { return Json::parse(daemon_.last().body); }
};

TEST_F(ResourcesTest, ListsAreTables) {
  EXPECT_EQ(guideway({"service", "list"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("web      203.0.113.10  tcp         80  web     1,500  96,000"));
  EXPECT_EQ(guideway({"pool", "list"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("web   l2dsr       maglev     normal    100 %  65,537"));
  EXPECT_EQ(guideway({"backend", "list", "web"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("web/b1   10.0.0.11      50         50  enabled  healthy  65,537"));
  EXPECT_EQ(guideway({"backend", "list"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("web/b1   10.0.0.11"));
}

/// A class of its own: ResourcesTest's daemon has other pools.
class AllBackendsTest : public ToolTest {};

TEST_F(AllBackendsTest, AreOneRequestAndNeitherGuestsNorRemovedOnesAreAmongThem) {
  Json pool = pool_resource();
  Json& running = pool["status"]["backends"];
  Json other = running[0];
  other["address"] = "10.0.0.99";
  other["home"] = "spare";
  running.push_back(other);
  other["home"] = "";
  other["state"] = "removed";
  running.push_back(other);
  other["state"] = "enabled";
  other["name"] = "b0";
  other["address"] = "10.0.0.10";
  running.push_back(other);
  pool["config"]["backends"] = Json::parse(R"([{"name": "b0"}, {"name": "b1"}])");
  const Json fresh =
      Json::parse(R"({"config": {"name": "new", "backends": [{"name": "n"}]}, "status": null})");
  daemon_.answer("GET /v1/pools",
                 json_line({{"api", 1}, {"revision", 12}, {"pools", Json::array({pool, fresh})}}));
  EXPECT_EQ(guideway({"backend", "list"}), kDone) << err();
  EXPECT_THAT(daemon_.targets(), ElementsAre("GET /v1/pools"));
  EXPECT_THAT(out(), Not(HasSubstr("10.0.0.99")));
  EXPECT_THAT(out(), Not(HasSubstr("new/")));
  const std::size_t first = out().find("web/b0   10.0.0.10");
  EXPECT_LT(first, out().find("web/b1   10.0.0.11")) << out();
}

TEST_F(ResourcesTest, ListsAreTheDaemonsJson) {
  EXPECT_EQ(guideway({"service", "list", "--json"}), kDone);
  EXPECT_EQ(Json::parse(out()).at("services").at(0).at("config").at("port"), 80);
  EXPECT_EQ(guideway({"backend", "list", "--json"}), kDone);
  EXPECT_EQ(Json::parse(out()).at("revision"), 12);
  EXPECT_EQ(Json::parse(out()).at("backends").at(0).at("status").at("live_flows"), 17);
}

TEST_F(ResourcesTest, ShowsConfigurationAndWhatRuns) {
  EXPECT_EQ(guideway({"backend", "show", "web/b1"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("weight   50\n"));
  for (const char* row :
       {"live_flows         17\n", "effective_weight   50\n", "weight_rule        forced_up\n",
        "reachable          true\n", "forced             up\n", "standing           unhealthy\n",
        "mode               hold\n", "kept               true\n",
        "held_until         2024-05-01T12:01:00.000Z\n", "last_error         timeout\n",
        "last_error_detail  no answer in time\n", "last_error_at      2024-05-01T11:59:00.000Z\n"})
    EXPECT_THAT(out(), HasSubstr(row));
  EXPECT_THAT(out(), HasSubstr("forced            down\n")) << "what was said of it";
  EXPECT_THAT(out(), Not(HasSubstr("drain_until"))) << "there is none";
  EXPECT_THAT(out(), HasSubstr("2024-05-01T12:00:00.000Z")) << "times are RFC 3339";
  EXPECT_THAT(out(), Not(HasSubstr("\x1b"))) << "what the daemon says cannot drive the terminal";
  EXPECT_EQ(guideway({"pool", "show", "web"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("health_check.interval  5s"));
  EXPECT_THAT(out(), HasSubstr("web/b1   10.0.0.11"));
}

TEST_F(ResourcesTest, WhatDoesNotRunYetHasNoRow) {
  daemon_.answer("GET /v1/pools/new/backends",
                 R"({"api": 1, "revision": 12, "backends": [{"config": {}, "status": null}]})");
  EXPECT_EQ(guideway({"backend", "list", "new"}), kDone) << err();
  EXPECT_EQ(out().find('\n'), out().size() - 1) << "titles alone";
}

TEST_F(ResourcesTest, AServiceShowsWhatItsBackendsNeed) {
  EXPECT_EQ(guideway({"service", "show", "web"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("ip address add 203.0.113.10/32 dev lo"));
  EXPECT_THAT(out(), HasSubstr("arp_ignore=1"));
  EXPECT_EQ(guideway({"service", "show", "web", "--json"}), kDone);
  EXPECT_EQ(Json::parse(out()).at("backend_needs").at(0), "ip address add 203.0.113.10/32 dev lo");
}

TEST_F(ResourcesTest, SetSendsAMergePatchForTheRevisionThatItRead) {
  daemon_.answer("PATCH /v1/pools/web/backends/b1", kWritten);
  EXPECT_EQ(guideway({"backend", "set", "web/b1", "weight=50", "state=drain", "port=null"}), kDone)
      << err();
  EXPECT_THAT(daemon_.targets(),
              ElementsAre("GET /v1/pools/web/backends/b1", "PATCH /v1/pools/web/backends/b1"));
  EXPECT_THAT(daemon_.last().headers, HasSubstr("If-Match: \"12\"\r\n"));
  EXPECT_THAT(daemon_.last().headers, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_EQ(sent(), Json::parse(R"({"weight": 50, "state": "drain", "port": null})"));
  EXPECT_EQ(out(), "revision 13, generation 57 (change 6f1c)\n  patch pools/web/backends/b1\n");
}

TEST_F(ResourcesTest, DotsMakeTablesAndValuesAreTypedAsJson) {
  daemon_.answer("PATCH /v1/pools/web", kWritten);
  EXPECT_EQ(guideway({"pool", "set", "web", "health_check.interval=5s", "health_check.port=80",
                      "vxlan={\"vni\": 100}", "source=10.0.0.1"}),
            kDone);
  EXPECT_EQ(sent(), Json::parse(R"({"health_check": {"interval": "5s", "port": 80},
                                    "vxlan": {"vni": 100}, "source": "10.0.0.1"})"));
}

TEST_F(ResourcesTest, ARevisionThatIsNamedIsNotReadAgain) {
  daemon_.answer("PATCH /v1/services/web?dry_run=true",
                 R"({"api": 1, "revision": 9, "generation": 57, "change_id": "a",
                     "changes": [{"op": "patch", "path": "services/web"}], "dry_run": true})");
  EXPECT_EQ(guideway({"service", "set", "web", "port=81", "--if-revision", "9", "--dry-run"}),
            kDone);
  EXPECT_THAT(daemon_.targets(), ElementsAre("PATCH /v1/services/web?dry_run=true"));
  EXPECT_THAT(daemon_.last().headers, HasSubstr("If-Match: \"9\"\r\n"));
  EXPECT_THAT(out(), HasSubstr("dry run, revision 9 stays"));
}

TEST_F(ResourcesTest, AddTakesOptionsAndPairs) {
  daemon_.answer("PUT /v1/pools/web/backends/b2", kWritten, 201);
  EXPECT_EQ(
      guideway({"backend", "add", "web/b2", "--address", "10.0.0.12", "--ttl", "30s", "weight=50"}),
      kDone)
      << err();
  EXPECT_THAT(daemon_.targets(),
              ElementsAre("GET /v1/pools/web/backends", "PUT /v1/pools/web/backends/b2"));
  EXPECT_THAT(daemon_.last().headers, HasSubstr("If-Match: \"12\"\r\n"));
  EXPECT_EQ(sent(), Json::parse(R"({"weight": 50, "address": "10.0.0.12", "ttl": "30s"})"));

  daemon_.answer("PUT /v1/services/dns", kWritten, 201);
  EXPECT_EQ(guideway({"service", "add", "dns", "address=203.0.113.53", "--port", "53", "--protocol",
                      "udp", "pool=web"}),
            kDone);
  EXPECT_EQ(sent(), Json::parse(R"({"address": "203.0.113.53", "pool": "web", "port": 53,
                                    "protocol": "udp"})"));
  daemon_.answer("PUT /v1/pools/new", kWritten, 201);
  EXPECT_EQ(guideway({"pool", "add", "new"}), kDone);
  EXPECT_EQ(sent(), Json::object());
}

TEST_F(ResourcesTest, AddingAgainRenewsATimeToLive) {
  daemon_.answer("PUT /v1/pools/web/backends/b1", kWritten);
  EXPECT_EQ(guideway({"backend", "add", "web/b1", "--address", "10.0.0.11", "--ttl", "30s"}), kDone)
      << err();
  EXPECT_EQ(sent(), Json::parse(R"({"address": "10.0.0.11", "ttl": "30s"})"));
}

TEST_F(ResourcesTest, ANameOfDigitsStaysAName) {
  daemon_.answer("PUT /v1/services/dns", kWritten, 201);
  EXPECT_EQ(guideway({"service", "add", "dns", "--address", "203.0.113.53", "--port", "53",
                      "--pool", "80"}),
            kDone)
      << err();
  EXPECT_EQ(sent().at("pool"), "80");
}

TEST_F(ResourcesTest, AddNeedsTheRequiredKeysAndReplacesNothing) {
  EXPECT_EQ(guideway({"service", "add", "dns", "address=203.0.113.53"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("a service needs its port: add --port or port=VALUE"));
  EXPECT_EQ(guideway({"backend", "add", "web/b9"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("a backend needs its address"));
  EXPECT_EQ(guideway({"backend", "add", "web/b9", "--address", "10.0.0.1", "address=10.0.0.2"}),
            kUsage);
  EXPECT_EQ(guideway({"backend", "add", "web/b1", "--address", "10.0.0.11"}), kFault);
  EXPECT_THAT(err(), HasSubstr("there is a backend \"b1\" already; to change it: guideway backend "
                               "set web/b1 KEY=VALUE"));
}

TEST_F(ResourcesTest, RemoveDeletes) {
  daemon_.answer("DELETE /v1/services/web", kWritten);
  EXPECT_EQ(guideway({"service", "remove", "web", "--json"}), kDone);
  EXPECT_EQ(daemon_.last().what, "DELETE /v1/services/web");
  EXPECT_EQ(Json::parse(out()).at("revision"), 13);
}

TEST_F(ResourcesTest, TheDaemonsRefusalIsSaid) {
  daemon_.answer(
      "PATCH /v1/services/web",
      R"({"api":1,"error":{"code":"invalid","field":"service[0].port","message":"70000 is too much",
                     "all":[{"field":"service[0].port","message":"70000 is too much"},
                            {"field":"service[0].pool","message":"there is no \u001bpool"}]}})",
      422);
  EXPECT_EQ(guideway({"service", "set", "web", "port=70000"}), kFault);
  EXPECT_EQ(err(),
            "guideway: service[0].port: 70000 is too much\n"
            "guideway: service[0].pool: there is no \\x1bpool\n");
  EXPECT_EQ(guideway({"service", "set", "web", "port=70000", "--json"}), kFault);
  EXPECT_EQ(Json::parse(out()).at("error").at("code"), "invalid");
}

TEST_F(ResourcesTest, WhatIsWrongWithTheWholeBodyIsSaidWithoutAField) {
  daemon_.answer(
      "PATCH /v1/services/web",
      R"({"api":1,"error":{"code":"invalid","field":"body","message":"the body is odd"}})", 422);
  EXPECT_EQ(guideway({"service", "set", "web", "port=80"}), kFault);
  EXPECT_EQ(err(), "guideway: the body is odd\n");
}

TEST_F(ResourcesTest, AnUnknownNameIsTheDaemonsToSuggest) {
  daemon_.answer("GET /v1/services/wbe",
                 error_body("not_found", "no service \"wbe\"; the nearest is \"web\""), 404);
  EXPECT_EQ(guideway({"service", "set", "wbe", "port=80"}), kFault);
  EXPECT_THAT(err(), HasSubstr("the nearest is \"web\""));
}

TEST_F(ResourcesTest, AnotherRevisionIsExitCodeFour) {
  daemon_.answer("DELETE /v1/services/web",
                 error_body("revision_conflict", "the revision is 14, not 12"), 412);
  EXPECT_EQ(guideway({"service", "remove", "web"}), kConflict);
  EXPECT_THAT(err(), HasSubstr("the revision is 14, not 12; nothing was changed"));
}

TEST_F(ResourcesTest, AnAnswerOfAnotherKindIsAFault) {
  daemon_.answer("GET /v1/services/html", "<html>");
  EXPECT_EQ(guideway({"service", "show", "html"}), kFault);
  EXPECT_THAT(err(), HasSubstr("should be of one version"));
  daemon_.answer("GET /v1/services/empty", "{}");
  EXPECT_EQ(guideway({"service", "show", "empty"}), kFault);
  EXPECT_THAT(err(), HasSubstr("should be of one version"));
  daemon_.answer("GET /v1/services/odd", "\x1b[31m", 500);
  EXPECT_EQ(guideway({"service", "show", "odd"}), kFault);
  EXPECT_THAT(err(), HasSubstr("the daemon answered 500: \"\\x1b[31m\""));
}

}  // namespace
}  // namespace guideway::cli
