// SPDX-License-Identifier: Apache-2.0
// explain, events, top: what one looks at.
#include "guideway/admin/status_json.h"
#include "json.h"
#include "tool_test.h"
#include "top_view.h"

namespace guideway::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class WatchTest : public ToolTest {};

TEST_F(WatchTest, ExplainAsksForOnePacket) {
  daemon_.answer(
      "GET /v1/explain?protocol=tcp&source=198.51.100.7:4242&destination=203.0.113.10:80",
      R"({"api": 1, "explain": {"verdict": "forward", "service": "web", "slot": 4711,
          "backend": "b2", "why": "its flow is in the table"}})");
  EXPECT_EQ(guideway({"explain", "tcp", "198.51.100.7:4242", "203.0.113.10:80"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("backend  b2\n"));
  EXPECT_THAT(out(), HasSubstr("why      its flow is in the table\n"));
  daemon_.answer(
      "GET /v1/explain?protocol=udp&source=[2001:db8::1]:1&destination=[2001:db8::2]:2"
      "&flags=ack",
      R"({"api": 1, "explain": {}})");
  EXPECT_EQ(guideway({"explain", "udp", "[2001:db8::1]:1", "[2001:db8::2]:2", "--flags", "ack",
                      "--json"}),
            kDone)
      << err();
}

/// Events of these numbers; more than these, if there are.
std::string events(std::initializer_list<int> numbers, std::uint64_t next, bool more = false) {
  Json list = Json::array();
  for (const int number : numbers)
    list.push_back({{"sequence", number},
                    {"time", "2024-05-01T12:00:00.000Z"},
                    {"kind", "health"},
                    {"level", number % 2 == 0 ? "info" : "warning"},
                    {"message", "b\x1b" + std::to_string(number)},
                    {"pool", "web"}});
  return json_line(
      {{"api", 1}, {"events", list}, {"next", next}, {"more", more}, {"lost", next == 9 ? 3 : 0}});
}

TEST_F(WatchTest, EventsAreLinesOfAllPages) {
  daemon_.answer("GET /v1/events?since=2024-05-01T12:00:00Z&kind=health,generation",
                 events({1, 2}, 5, true));
  daemon_.answer("GET /v1/events?since=5&kind=health,generation", events({6}, 6));
  const std::vector<std::string> words = {"events", "--since", "2024-05-01T12:00:00Z", "--kind",
                                          "health,generation"};
  EXPECT_EQ(guideway(words), kDone) << err();
  EXPECT_EQ(out(),
            "2024-05-01T12:00:00.000Z  health  warning: b\\x1b1\n"
            "2024-05-01T12:00:00.000Z  health  b\\x1b2\n"
            "2024-05-01T12:00:00.000Z  health  b\\x1b6\n");
}

TEST_F(WatchTest, EventsInJsonAreOneAnswer) {
  daemon_.answer("GET /v1/events", events({1, 2}, 5, true));
  daemon_.answer("GET /v1/events?since=5", events({6}, 6));
  EXPECT_EQ(guideway({"events", "--json"}), kDone) << err();
  const Json json = Json::parse(out());
  ASSERT_EQ(json.at("events").size(), 3u);
  EXPECT_EQ(json.at("events")[0].at("sequence"), 1);
  EXPECT_EQ(json.at("events")[2].at("sequence"), 6);
  EXPECT_EQ(json.at("next"), 6);
}

TEST_F(WatchTest, FollowingWaitsForWhatIsNewUntilTheDaemonIsGone) {
  daemon_.answer("GET /v1/events", events({7}, 7));
  daemon_.answer("GET /v1/events?since=7&wait=30s", events({}, 8));
  daemon_.answer("GET /v1/events?since=8&wait=30s", events({9}, 9));
  daemon_.leave_after("GET /v1/events?since=8&wait=30s");
  EXPECT_EQ(guideway({"events", "--follow", "--json"}), kNoDaemon);
  std::istringstream lines(out());
  std::vector<int> seen;
  for (std::string line; std::getline(lines, line);)
    seen.push_back(Json::parse(line).at("sequence"));
  EXPECT_THAT(seen, ElementsAre(7, 9));
  EXPECT_THAT(err(), HasSubstr("3 events came too fast"));
}

control::Status status_with(std::uint64_t packets) {
  control::Status status;
  status.director = "lb1";
  datapath::WorkerStatus worker;
  worker.counters.packets_in = packets;
  status.datapath.workers = {worker, worker};
  control::BackendStatus idle;
  idle.name = "idle";
  control::BackendStatus busy;
  busy.name = "busy";
  busy.traffic = {packets, packets * 100, packets / 10};
  busy.live_flows = 17;
  status.pools = {{"web", "l2dsr", "maglev", 65537, false, {idle, busy}}};
  control::ServiceStatus service;
  service.name = "web";
  service.traffic = {packets, packets * 100, packets / 10};
  status.services = {service};
  return status;
}

TEST_F(WatchTest, TopIsOneTableOfRatesWhereThereIsNoTerminal) {
  daemon_.answer("GET /v1/status", admin::status_json(status_with(1000)));
  daemon_.answer("GET /v1/status", admin::status_json(status_with(51000)));
  EXPECT_EQ(guideway({"top"}), kDone) << err();
  EXPECT_EQ(now_.time_since_epoch(), std::chrono::seconds(1));
  EXPECT_THAT(out(), HasSubstr("director lb1"));
  EXPECT_THAT(out(), HasSubstr("100,000 packets/s in")) << "of two workers";
  EXPECT_THAT(out(), HasSubstr("web/busy     50,000    40.0        5,000    17"));
  EXPECT_LT(out().find("web/busy"), out().find("web/idle")) << "the busiest first";
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
}

/// The same, where the pool has a guest, busier by `more`, that is named like a backend of its own.
std::string with_guest(std::uint64_t packets, std::uint64_t more) {
  control::Status status = status_with(packets);
  auto& backends = status.pools[0].backends;
  backends.push_back(backends.back());
  backends.back().home = "spare";
  backends.back().traffic.packets += more;
  return admin::status_json(status);
}

TEST_F(WatchTest, TopTellsAGuestFromABackendOfTheSameName) {
  daemon_.answer("GET /v1/status", with_guest(1000, 0));
  daemon_.answer("GET /v1/status", with_guest(51000, 7000));
  EXPECT_EQ(guideway({"top"}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("web/spare/busy     57,000"));
  EXPECT_THAT(out(), HasSubstr("web/busy           50,000"));
}

TEST(TopView, ACounterThatFellOrIsNewHasNoRate) {
  const Json low = Json::parse(admin::status_json(status_with(10)));
  const Json high = Json::parse(admin::status_json(status_with(1000)));
  EXPECT_EQ(rates_between(high, low, std::chrono::seconds(1)).at("services")[0].at("packets_per_s"),
            0);
  Json none = low;
  none["services"] = Json::array();
  none["pools"] = Json::array();
  const Json rates = rates_between(none, high, std::chrono::seconds(1));
  EXPECT_EQ(rates.at("services")[0].at("packets_per_s"), 0);
  EXPECT_EQ(rates.at("backends")[0].at("packets_per_s"), 0);
  EXPECT_EQ(rates_between(low, high, std::chrono::seconds(0)).at("workers").at("packets_in_per_s"),
            0);
}

TEST(TopView, FitsTheScreen) {
  EXPECT_EQ(cut_to_screen("one\ntwo\nthree\n", 2, 2), "on\ntw");
  EXPECT_EQ(cut_to_screen("a\xc3\xa4z\n", 5, 2), "a") << "not half a character";
  EXPECT_EQ(cut_to_screen("", 5, 5), "");
}

}  // namespace
}  // namespace guideway::cli
