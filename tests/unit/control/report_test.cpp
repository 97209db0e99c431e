// SPDX-License-Identifier: Apache-2.0
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "build.h"
#include "report.h"

namespace guideway::control {
namespace {

using events::Event;
using events::EventLog;
using events::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Event> all(const EventLog& log) {
  return log.find({.limit = EventLog::kCapacity}).events;
}

std::vector<std::string> messages(const EventLog& log) {
  std::vector<std::string> texts;
  for (const Event& event : all(log)) texts.push_back(event.message);
  return texts;
}

/// The field's value as text; "-" if there is none.
std::string field(const Event& event, const std::string& key) {
  for (const base::Field& one : event.fields)
    if (one.key == key)
      return std::holds_alternative<std::string>(one.value)
                 ? std::get<std::string>(one.value)
                 : std::to_string(std::get<std::int64_t>(one.value));
  return "-";
}

model::Model model_of(const std::vector<model::Backend>& backends) {
  model::Model model;
  model::Pool pool;
  pool.name = "web";
  pool.backends = backends;
  model.pools = {pool};
  return model;
}

model::Backend member(const std::string& name, std::uint8_t host) {
  model::Backend backend;
  backend.name = name;
  backend.address = IpAddress::v4({10, 0, 0, host});
  return backend;
}

TEST(Report, AGenerationCarriesTheIdOfItsChange) {
  EventLog log;
  report_generation(log, 7, "4f3a", Cause::kReload, std::chrono::milliseconds(12));
  report_generation(log, 8, "4f3a", Cause::kNetworkOrHealth, std::chrono::milliseconds(3));
  const auto found = all(log);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].message,
            "generation 7 published: configuration reloaded (change 4f3a, built in 12 ms)");
  EXPECT_EQ(field(found[0], "change_id"), "4f3a");
  EXPECT_EQ(field(found[0], "generation"), "7");
  EXPECT_EQ(field(found[0], "cause"), "reload");
  EXPECT_EQ(field(found[1], "change_id"), "4f3a");
  // A neighbour that comes and goes is no news for the log.
  EXPECT_EQ(found[1].level, spdlog::level::debug);
}

TEST(Report, ARefusedChangeNamesEachErrorAndEndsTheReload) {
  EventLog log;
  Build build;
  build.change_id = "77";
  build.asked.emplace();
  build.asked->request.source = "file";
  build.errors = {"f:1:2: one", "f:3:4: two"};
  report_refused(log, build, 5);
  EXPECT_THAT(messages(log), ElementsAre("f:1:2: one", "f:3:4: two",
                                         "change 77 refused: generation 5 stays as it is"));
  EXPECT_EQ(field(all(log)[1], "change_id"), "77");
  EXPECT_EQ(field(all(log)[1], "cause"), "-");
  EXPECT_EQ(field(all(log)[2], "cause"), "reload");
}

TEST(Report, OfManyErrorsTheFirstAreNamedAndTheOthersCounted) {
  EventLog log;
  Build build;
  build.change_id = "77";
  build.asked.emplace();
  build.errors.assign(kMostSingly + 7, "f:1:2: one");
  report_refused(log, build, 5);
  const auto found = all(log);
  ASSERT_THAT(found, SizeIs(kMostSingly + 2));
  EXPECT_EQ(found[kMostSingly].message, "7 more errors of change 77");
  EXPECT_EQ(field(found[kMostSingly], "more"), "7");
  EXPECT_EQ(field(found[kMostSingly + 1], "errors"), std::to_string(kMostSingly + 7));
}

/// Of backend b2 of pool "web".
health::Change health_change(health::State from, health::State to, std::uint32_t probes) {
  health::Change change;
  change.backend = {"web", IpAddress::v4({10, 0, 0, 2}), 80};
  change.name = "b2";
  change.from = from;
  change.now.state = to;
  change.probes = probes;
  return change;
}

TEST(Report, WhatABackendAnsweredIsHarmless) {
  EventLog log;
  health::Change change = health_change(health::State::kHealthy, health::State::kUnhealthy, 2);
  change.now.reason = health::Reason::kBadAnswer;
  change.now.detail = "\x1b[2Jok\n{\"level\":\"info\"}";
  report_health(log, change);
  const Event event = all(log).at(0);
  EXPECT_EQ(event.message,
            "backend web/b2: healthy -> unhealthy after 2 probe(s): bad_answer "
            "(\\x1b[2Jok\\n{\"level\":\"info\"})");
  EXPECT_EQ(event.level, spdlog::level::warn);
  EXPECT_EQ(field(event, "detail"), "\\x1b[2Jok\\n{\"level\":\"info\"}");
  EXPECT_EQ(field(event, "from") + ">" + field(event, "to"), "healthy>unhealthy");
  EXPECT_EQ(field(event, "address") + " " + field(event, "port"), "10.0.0.2 80");
}

TEST(Report, ARecoveryHasAReason) {
  EventLog log;
  report_health(log, health_change(health::State::kUnhealthy, health::State::kHealthy, 3));
  EXPECT_EQ(all(log).at(0).message,
            "backend web/b2: unhealthy -> healthy after 3 probe(s): passed");
  EXPECT_EQ(field(all(log).at(0), "reason"), "passed");
}

TEST(Report, EachDifferenceOfTheOperatorsWishesIsAnEvent) {
  EventLog log;
  auto changed = member("b1", 1);
  changed.state = model::AdminState::kDrain;
  changed.weight = 50;
  report_states(log, model_of({member("b1", 1), member("b2", 2)}),
                model_of({changed, member("b3", 3)}), "5");
  EXPECT_THAT(messages(log),
              ElementsAre("backend web/b1: enabled -> drain", "backend web/b1: weight 100 -> 50",
                          "backend web/b3: added, weight 100, enabled",
                          HasSubstr("backend web/b2: removed")));
  EXPECT_EQ(field(all(log)[1], "to_weight"), "50");
  EXPECT_EQ(field(all(log)[3], "to"), "removed");
  EXPECT_EQ(field(all(log)[3], "change_id"), "5");
}

TEST(Report, HealthByHandIsAnEventAndSoIsItsEnd) {
  EventLog log;
  auto forced = member("b1", 1);
  forced.forced = model::Forced::kDown;
  report_states(log, model_of({member("b1", 1)}), model_of({forced}), "5");
  report_states(log, model_of({forced}), model_of({member("b1", 1)}), "6");
  EXPECT_THAT(messages(log), ElementsAre("backend web/b1: health by hand: forced down",
                                         "backend web/b1: health is by the checks again"));
  EXPECT_EQ(field(all(log)[0], "from_forced") + ">" + field(all(log)[0], "to_forced"), "none>down");
  EXPECT_EQ(field(all(log)[1], "change_id"), "6");
}

TEST(Report, WhatEndsNamesItsBackendAndItsChange) {
  EventLog log;
  report_ended(log, "7", {{{"web", "b1"}, "health is by the checks again"}});
  report_ended(log, "8", {{{}, "nobody has confirmed revision 3"}});
  EXPECT_THAT(messages(log), ElementsAre("backend web/b1: health is by the checks again",
                                         "nobody has confirmed revision 3"));
  EXPECT_EQ(field(all(log)[0], "pool") + "/" + field(all(log)[0], "backend"), "web/b1");
  EXPECT_EQ(field(all(log)[0], "change_id"), "7");
  EXPECT_EQ(field(all(log)[1], "backend"), "-");
}

TEST(Report, OfManyThatEndAtOnceTheFirstAreNamedAndTheOthersCounted) {
  std::vector<EndedNote> ended;
  std::vector<std::string> dropped;
  std::map<std::uint16_t, compile::BackendIds::Entry> freed;
  for (std::size_t i = 0; i < kMostSingly; i++) {
    ended.push_back({{"web", std::to_string(i)}, "was not renewed"});
    dropped.push_back(std::to_string(i));
    freed[static_cast<std::uint16_t>(i)].name = std::to_string(i);
  }
  const auto report = [&] {
    EventLog log;
    report_ended(log, "7", ended);
    report_dropped(log, "7", dropped);
    report_free_ids(log, freed);
    return all(log);
  };
  EXPECT_THAT(report(), SizeIs(3 * kMostSingly));
  for (std::size_t i = 0; i < 1900; i++) {
    ended.push_back(ended.back());
    dropped.push_back(dropped.back());
    freed[static_cast<std::uint16_t>(kMostSingly + i)].name = "more";
  }
  const auto found = report();
  ASSERT_THAT(found, SizeIs(3 * (kMostSingly + 1)));
  EXPECT_EQ(found[kMostSingly - 1].message, "backend web/99: was not renewed");
  EXPECT_EQ(found[kMostSingly].message,
            "1900 more times to live, deadlines and healths by hand are over");
  EXPECT_EQ(field(found[kMostSingly], "change_id"), "7");
  for (const std::size_t part : {1, 2, 3})
    EXPECT_EQ(field(found[part * (kMostSingly + 1) - 1], "more"), "1900");
}

/// So many backends of pool "web", each reachable or not.
compile::ForwardingState state_of(std::size_t count, bool reachable) {
  compile::ForwardingState state;
  for (std::size_t id = 0; id < count; id++) {
    compile::BackendInfo& info = state.backend_info.emplace_back();
    info.used = true;
    info.pool = "web";
    info.name = "b" + std::to_string(id);
    info.port = static_cast<std::uint16_t>(id);
    info.factors.reachable = reachable;
    info.no_neighbour = !reachable;
    info.reason = reachable ? "" : "no neighbour: the next hop does not answer";
    if (!reachable) info.effective.rule = compile::WeightRule::kUnreachable;
  }
  return state;
}

TEST(Report, ABackendWithoutItsNeighbourIsAnEventWhateverItsChecks) {
  EventLog log;
  std::set<model::BackendKey> said;
  base::LogLimit limit(10, std::chrono::hours(1));
  auto good = state_of(1, true);
  auto lost = state_of(1, false);
  auto asked = lost;
  asked.backend_info[0].is_resolving = true;
  for (const auto* state : {&good, &asked, &lost, &lost, &asked, &good, &good})
    report_reachable(log, *state, said, limit);
  EXPECT_THAT(messages(log), ElementsAre("backend web/b0: cannot be reached: no neighbour: the "
                                         "next hop does not answer",
                                         "backend web/b0: can be reached again"));
  EXPECT_EQ(field(all(log)[0], "to") + " " + field(all(log)[0], "reason"),
            "unreachable no_neighbour");
  EXPECT_EQ(field(all(log)[1], "to"), "reachable");
  EXPECT_THAT(said, IsEmpty());
}

TEST(Report, GuestsAndRemovedBackendsAreNotSaidToBeUnreachable) {
  EventLog log;
  std::set<model::BackendKey> said;
  base::LogLimit limit(10, std::chrono::hours(1));
  auto others = state_of(2, false);
  others.backend_info[0].home = "spare";
  others.backend_info[1].removed = true;
  report_reachable(log, others, said, limit);
  EXPECT_THAT(all(log), IsEmpty());
  report_reachable(log, state_of(2, false), said, limit);
  EXPECT_THAT(said, SizeIs(2));
  report_reachable(log, others, said, limit);
  EXPECT_THAT(said, IsEmpty()) << "they are gone";
}

TEST(Report, WhatIsTooMuchToSayOneByOneIsCounted) {
  EventLog log;
  std::set<model::BackendKey> said;
  base::LogLimit limit(10, std::chrono::hours(1));
  report_reachable(log, state_of(50, false), said, limit);
  EXPECT_THAT(said, SizeIs(50));
  report_reachable(log, state_of(50, true), said, limit);
  EXPECT_THAT(said, IsEmpty());
  ASSERT_THAT(all(log), SizeIs(12));
  EXPECT_THAT(all(log)[10].message, HasSubstr("40 more backends"));
  EXPECT_THAT(all(log)[11].message, HasSubstr("50 more backends"));
}

TEST(Report, ManyDifferencesAreCounted) {
  EventLog log;
  std::vector<model::Backend> backends;
  for (std::uint8_t host = 1; host <= kMostSingly + 20; host++)
    backends.push_back(member("b" + std::to_string(host), host));
  report_states(log, model_of({}), model_of(backends), "5");
  ASSERT_THAT(all(log), SizeIs(kMostSingly + 1));
  EXPECT_EQ(all(log).back().message, "20 more backends were changed by change 5");
  EventLog quiet;
  report_states(quiet, model_of(backends), model_of(backends), "6");
  EXPECT_THAT(all(quiet), IsEmpty());
}

TEST(Report, PanicIsAnEventAtItsBeginItsChangesAndItsEnd) {
  EventLog log;
  const model::Model model = model_of({});
  compile::ForwardingState good;
  good.pool_info.resize(1);
  good.pool_info[0].name = "web";
  good.pool_info[0].healthy_percent = 100;
  compile::ForwardingState open = good;
  open.pool_info[0].state = compile::PoolState::kPanic;
  open.pool_info[0].mode = compile::PoolMode::kFailOpen;
  open.pool_info[0].healthy_percent = 0;
  compile::ForwardingState held = open;
  held.pool_info[0].mode = compile::PoolMode::kHold;
  report_panic(log, model, nullptr, good);
  report_panic(log, model, &good, open);
  report_panic(log, model, &open, open);
  report_panic(log, model, &open, held);
  report_panic(log, model, &held, good);
  ASSERT_THAT(all(log), SizeIs(3));
  EXPECT_THAT(all(log)[0].message, HasSubstr("pool web: panic, 0 % of its weight is healthy"));
  EXPECT_THAT(all(log)[0].message, HasSubstr("fail_open"));
  EXPECT_THAT(all(log)[1].message, HasSubstr("hold"));
  EXPECT_EQ(all(log)[2].message, "pool web: panic is over, 100 % of its weight is healthy");
  EXPECT_EQ(field(all(log)[0], "panic") + field(all(log)[2], "panic"), "yesno");
}

TEST(Report, AFaultIsSaidOnceAndSoIsItsEnd) {
  EventLog log;
  std::string last;
  const Result<void> fault = base::fail("no permission");
  report_fault(log, {}, last);
  report_fault(log, fault, last);
  report_fault(log, fault, last);
  report_fault(log, {}, last);
  report_fault(log, {}, last);
  EXPECT_THAT(messages(log), ElementsAre("no permission; trying again",
                                         "addresses: in order again, after: no permission"));
}

}  // namespace
}  // namespace guideway::control
