// SPDX-License-Identifier: Apache-2.0
#include "guideway/events/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "guideway/base/logging.h"

namespace guideway::events {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

system_clock::time_point at_ms(int ms) {
  return system_clock::time_point(milliseconds(1'714'564'800'000 + ms));
}

/// Its clock goes on by 1 ms an event; its log is caught.
class EventLogTest : public testing::Test {
 protected:
  EventLogTest() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_);
    sink->set_formatter(base::make_json_formatter());
    auto logger = std::make_shared<spdlog::logger>("test", sink);
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger);
  }
  ~EventLogTest() override { spdlog::set_default_logger(before_); }

  void add(Kind kind, const std::string& message, base::Fields fields = {}) {
    log_.add(kind, spdlog::level::info, message, std::move(fields));
  }
  static std::vector<std::uint64_t> numbers(const Page& page) {
    std::vector<std::uint64_t> all;
    for (const Event& event : page.events) all.push_back(event.sequence);
    return all;
  }

  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream logged_;
  int ms_ = 0;
  EventLog log_{[this] { return at_ms(++ms_); }};
};

TEST_F(EventLogTest, AnEventIsOneLineOfTheLogWithTheSameFacts) {
  add(Kind::kHealth, "backend web/b1: healthy -> unhealthy",
      {{"pool", "web"}, {"backend", "b1"}, {"probes", 2}});
  const auto line = nlohmann::json::parse(logged_.str());
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["message"], "backend web/b1: healthy -> unhealthy");
  EXPECT_EQ(line["event"], "health");
  EXPECT_EQ(line["sequence"], 1);
  EXPECT_EQ(line["pool"], "web");
  EXPECT_EQ(line["probes"], 2);
  EXPECT_EQ(to_json(log_.find({}).events.at(0)),
            R"({"sequence":1,"time":"2024-05-01T12:00:00.001Z","kind":"health","level":"info",)"
            R"("message":"backend web/b1: healthy -> unhealthy",)"
            R"("pool":"web","backend":"b1","probes":2})");
}

TEST_F(EventLogTest, IsAskedByNumberTimeAndKind) {
  add(Kind::kStart, "one");
  add(Kind::kHealth, "two");
  add(Kind::kGeneration, "three");
  add(Kind::kHealth, "four");
  EXPECT_THAT(numbers(log_.find({})), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(numbers(log_.find({.after = 2})), ElementsAre(3, 4));
  EXPECT_THAT(numbers(log_.find({.since = at_ms(3)})), ElementsAre(3, 4));
  EXPECT_THAT(numbers(log_.find({.kinds = {Kind::kHealth}})), ElementsAre(2, 4));
  EXPECT_THAT(numbers(log_.find({.after = 2, .kinds = {Kind::kHealth, Kind::kStart}})),
              ElementsAre(4));
  EXPECT_THAT(numbers(log_.find({.after = 4})), IsEmpty());
  // From a daemon's earlier life: the reader sees that it has gone back.
  EXPECT_EQ(log_.find({.after = 1000}).next, 4u);
  EXPECT_THAT(numbers(log_.find({.after = ~std::uint64_t{0}})), IsEmpty());
}

TEST_F(EventLogTest, APageGoesOnWhereTheLastOneEnded) {
  for (int i = 0; i < 5; i++) add(i % 2 == 0 ? Kind::kHealth : Kind::kState, "x");
  Page page = log_.find({.kinds = {Kind::kHealth}, .limit = 2});
  EXPECT_THAT(numbers(page), ElementsAre(1, 3));
  EXPECT_TRUE(page.more);
  page = log_.find({.after = page.next, .kinds = {Kind::kHealth}, .limit = 2});
  EXPECT_THAT(numbers(page), ElementsAre(5));
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.next, 5u);
}

TEST_F(EventLogTest, KeepsTheNewestAndSaysWhatIsGone) {
  const std::size_t extra = 3;
  for (std::size_t i = 0; i < EventLog::kCapacity + extra; i++) add(Kind::kState, "x");
  const Page page = log_.find({.limit = EventLog::kCapacity + extra});
  EXPECT_EQ(page.events.size(), EventLog::kCapacity);
  EXPECT_EQ(page.events.front().sequence, extra + 1);
  EXPECT_EQ(page.lost, extra);
  EXPECT_EQ(log_.find({.after = 2}).lost, 1u);
  EXPECT_EQ(log_.find({.after = 3}).lost, 0u);
}

TEST_F(EventLogTest, BoundsWhatAPeerSaysAndMakesItHarmless) {
  base::Fields fields;
  for (std::size_t i = 0; i < 2 * EventLog::kMostFields; i++)
    fields.emplace_back("f" + std::to_string(i), "x");
  fields[0] = {"answer", "\x1b[2J\r\n" + std::string(EventLog::kLongestValue, '\xff')};
  add(Kind::kHealth, "said: \x1b]0;evil\x07\nlevel=fake " + std::string(5'000, 'x'), fields);
  const Event event = log_.find({}).events.at(0);
  EXPECT_EQ(event.fields.size(), EventLog::kMostFields);
  EXPECT_LE(event.message.size(), EventLog::kLongestMessage + 3);
  const auto& answer = std::get<std::string>(event.fields[0].value);
  EXPECT_LE(answer.size(), EventLog::kLongestValue + 3);
  for (const std::string& text : {event.message, answer, to_json(event)})
    for (const char letter : text) EXPECT_GE(static_cast<unsigned char>(letter), 0x20) << text;
  EXPECT_THAT(event.message, HasSubstr("\\x1b]0;evil\\x07 level=fake"));
}

TEST_F(EventLogTest, SubscribersSeeEachEventUntilTheyEnd) {
  std::vector<std::string> seen;
  auto subscription = log_.subscribe([&](const Event& event) { seen.push_back(event.message); });
  EventLog::Subscription once = log_.subscribe([&](const Event&) { once.reset(); });
  add(Kind::kState, "one");
  EXPECT_EQ(once, nullptr);
  add(Kind::kState, "two");
  subscription.reset();
  add(Kind::kState, "three");
  EXPECT_THAT(seen, ElementsAre("one", "two"));
}

TEST(EventKinds, HaveNamesThatAreUnderstood) {
  for (const char* name :
       {"start", "config", "generation", "state", "health", "panic", "address", "admin"}) {
    ASSERT_TRUE(kind_of(name)) << name;
    EXPECT_STREQ(to_string(*kind_of(name)), name);
  }
  EXPECT_FALSE(kind_of("nonsense"));
  EXPECT_FALSE(kind_of(""));
}

}  // namespace
}  // namespace guideway::events
