// SPDX-License-Identifier: Apache-2.0
// backend drain, enable, disable, force-up, force-down, auto.
#include "json.h"
#include "tool_test.h"

namespace guideway::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kB1 = "/v1/pools/web/backends/b1";

class BackendsTest : public ToolTest {
 protected:
  BackendsTest() {
    daemon_.answer(std::string("GET ") + kB1, R"({"api": 1, "revision": 12, "backend": {}})");
    for (const std::string verb : {"drain", "enable", "disable", "force-up", "force-down", "auto"})
      daemon_.answer(post(verb), kWritten);
  }

  static std::string post(const std::string& verb) {
    return std::string("POST ") + kB1 + "/" + verb;
  }

  /// How many live flows web/b1 has at the next look, counted so long ago; negative: not yet. The
  /// drain is generation 57.
  void count(int flows, int age_s, int generation = 57, const char* state = "drain") {
    daemon_.answer(std::string("GET ") + kB1,
                   json_line({{"revision", 13},
                              {"backend",
                               {{"config", {{"state", state}}},
                                {"status", {{"live_flows", flows}}},
                                {"live_flows_generation", generation},
                                {"live_flows_age_s", age_s < 0 ? Json(nullptr) : Json(age_s)}}}}));
  }
};

TEST_F(BackendsTest, EachSwitchIsItsResource) {
  for (const std::string verb : {"enable", "disable", "force-up", "force-down", "auto"}) {
    EXPECT_EQ(guideway({"backend", verb, "web/b1"}), kDone) << err();
    EXPECT_EQ(daemon_.last().what, post(verb));
    EXPECT_EQ(daemon_.last().body, "") << verb;
    EXPECT_THAT(daemon_.last().headers, HasSubstr("If-Match: \"12\"\r\n")) << verb;
  }
}

TEST_F(BackendsTest, ARevisionWithoutAChangedKeyIsSaid) {
  daemon_.answer("POST /v1/pools/web/backends/b2/force-down",
                 R"({"api": 1, "revision": 13, "generation": 57, "change_id": "a", "changes": [],
                     "dry_run": false})");
  daemon_.answer("GET /v1/pools/web/backends/b2", R"({"revision": 12})");
  daemon_.answer("GET /v1/pools/web/backends/b2", R"({"revision": 13})");
  EXPECT_EQ(guideway({"backend", "force-down", "web/b2"}), kDone);
  EXPECT_EQ(out(), "revision 13, generation 57 (change a)\n");
  EXPECT_EQ(guideway({"backend", "force-down", "web/b2"}), kDone);
  EXPECT_EQ(out(), "nothing to change: revision 13\n");
}

TEST_F(BackendsTest, ForceIsForATime) {
  EXPECT_EQ(guideway({"backend", "force-down", "web/b1", "--for", "1h"}), kDone);
  EXPECT_EQ(Json::parse(daemon_.last().body), Json::parse(R"({"for": "1h"})"));
}

TEST_F(BackendsTest, DrainHasADeadlineOrNone) {
  EXPECT_EQ(guideway({"backend", "drain", "web/b1"}), kDone);
  EXPECT_EQ(daemon_.last().body, "");
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--deadline", "5m", "--then", "reset"}), kDone);
  EXPECT_EQ(Json::parse(daemon_.last().body),
            Json::parse(R"({"deadline": "5m", "then": "reset"})"));
}

TEST_F(BackendsTest, WaitingEndsWhenANewCountFindsNoFlow) {
  count(17, 1, 56);
  count(17, 0);
  count(0, 0, 56);  // it began before the drain was in force
  count(0, 0);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("revision 13"));
  EXPECT_THAT(out(), HasSubstr("17 live flows, counted 1 s ago\n0 live flows, counted 0 s ago\n"));
  EXPECT_EQ(now_.time_since_epoch(), std::chrono::milliseconds(1500)) << "four looks, three pauses";
}

TEST_F(BackendsTest, ACountThatNobodyHasMadeYetIsWaitedFor) {
  count(0, -1);
  count(0, -1);
  count(0, 0);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait"}), kDone);
  EXPECT_THAT(out(), HasSubstr("not counted yet"));
}

TEST_F(BackendsTest, ABackendThatDoesNotRunYetIsWaitedFor) {
  daemon_.answer(std::string("GET ") + kB1,
                 R"({"revision": 13, "backend": {"config": {"state": "drain"}, "status": null,
                                                 "live_flows_age_s": 0}})");
  count(0, 0);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait"}), kDone) << err();
}

TEST_F(BackendsTest, ADeadlineThatPassesIsExitCodeFive) {
  count(17, 1);
  count(3, 1);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait", "--deadline", "10s"}), kDeadline);
  EXPECT_THAT(err(), HasSubstr("the deadline passed with 3 live flows left on web/b1"));
  EXPECT_EQ(now_.time_since_epoch(), std::chrono::seconds(10));
  count(3, 1);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait", "--deadline", "1s", "--json"}),
            kDeadline);
  EXPECT_EQ(Json::parse(out()).at("live_flows"), 3) << "one object alone";
}

TEST_F(BackendsTest, ADrainThatSomebodyEndsIsExitCodeFour) {
  count(17, 1);
  count(0, 0, 58, "enabled");
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait"}), kConflict);
  EXPECT_THAT(err(), HasSubstr("web/b1 is \"enabled\" again"));
}

TEST_F(BackendsTest, WaitingWithJsonIsOneObjectAtTheEnd) {
  count(3, 1);
  count(0, 0);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait", "--json"}), kDone);
  const Json json = Json::parse(out());
  EXPECT_EQ(json.at("revision"), 13);
  EXPECT_EQ(json.at("live_flows"), 0);
}

TEST_F(BackendsTest, ADryRunIsNotWaitedFor) {
  daemon_.answer(post("drain") + "?dry_run=true", kWritten);
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait", "--dry-run"}), kDone);
  EXPECT_THAT(daemon_.targets(),
              ElementsAre(std::string("GET ") + kB1, post("drain") + "?dry_run=true"));
}

TEST_F(BackendsTest, ADaemonThatGoesWhileOneWaitsIsExitCodeThree) {
  count(17, 1);
  daemon_.leave_after(post("drain"));
  EXPECT_EQ(guideway({"backend", "drain", "web/b1", "--wait"}), kNoDaemon);
}

}  // namespace
}  // namespace guideway::cli
