// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/desired_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/support/rounds.h"

namespace guideway::control {
namespace {

using config::Change;
using config::Json;
using config::ResourcePath;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Moment kStart{std::chrono::system_clock::from_time_t(1'700'000'000), {}};

config::LoadResult file_of(const std::string& backends) {
  return config::parse(R"(
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "web"
table_size = 251
backends = [)" + backends + R"(]
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "web"
)",
                       "f");
}

constexpr const char* kTwo =
    R"({ name = "b1", address = "10.0.0.1" }, { name = "b2", address = "10.0.0.2" })";

ChangeRequest patch(const std::string& backend, const std::string& value) {
  ChangeRequest request;
  request.changes = {
      {Change::Op::kPatch, {ResourcePath::Kind::kBackend, "web", backend}, Json::parse(value)}};
  return request;
}

/// A state that goes from one request to the next.
class Desired : public testing::Test {
 protected:
  Desired() { start(file_of(kTwo)); }

  void start(const config::LoadResult& file, const std::string& text = "",
             const std::string& base = "") {
    now_ = restore(file, text, base, kStart);
  }
  /// As a new daemon does, with what this one has saved.
  void restart(const config::LoadResult& file) {
    start(file, to_text(now_.state), base_text(now_.state));
  }
  std::string apply(const ChangeRequest& request, const config::LoadResult* file = nullptr,
                    const Moment& time = kStart) {
    auto revised = revise(now_.state, now_.model, request, file, time);
    if (!revised) return revised.error().errors.front().message;
    now_ = std::move(*revised);
    return "";
  }
  std::uint32_t weight(std::size_t backend) const {
    return now_.model.pools[0].backends[backend].weight;
  }

  /// Of "b1" in the first pool.
  std::size_t b1_index() const { return now_.model.pools[0].backends[0].name == "b1" ? 0 : 1; }

  Revised now_;
};

TEST_F(Desired, AChangeMakesARevisionAndAnEmptyOneDoesNot) {
  EXPECT_EQ(now_.state.revision, 1u);
  EXPECT_EQ(apply(patch("b1", R"({"weight": 7})")), "");
  EXPECT_EQ(now_.state.revision, 2u);
  EXPECT_TRUE(now_.changed);
  EXPECT_EQ(weight(0), 7u);
  EXPECT_EQ(apply(patch("b1", R"({"weight": 7})")), "");
  EXPECT_EQ(now_.state.revision, 2u);
  EXPECT_FALSE(now_.changed);
  EXPECT_FALSE(now_.to_save);
}

TEST_F(Desired, TheHistoryIsBoundedAndLeadsBack) {
  for (int i = 1; i <= 30; ++i) apply(patch("b1", R"({"weight": )" + std::to_string(i) + "}"));
  EXPECT_EQ(now_.state.history.size(), DesiredState::kMostRevisions);
  ChangeRequest back;
  back.rollback_to = 21;  // weight 20
  EXPECT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 20u);
  back.rollback_to = 3;
  EXPECT_THAT(apply(back), HasSubstr("not in the history"));
}

TEST_F(Desired, ARestartRestoresOverlayHistoryAndRevision) {
  apply(patch("b1", R"({"weight": 7})"));
  apply(patch("b2", R"({"state": "drain"})"));
  const DesiredState before = now_.state;
  restart(file_of(kTwo));
  EXPECT_THAT(now_.dropped, IsEmpty());
  EXPECT_EQ(now_.state.revision, before.revision);
  EXPECT_EQ(now_.state.history.size(), before.history.size());
  EXPECT_EQ(weight(0), 7u);
  EXPECT_EQ(now_.model.pools[0].backends[1].state, model::AdminState::kDrain);
  ChangeRequest back;
  back.rollback_to = 1;
  EXPECT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 100u);
}

TEST_F(Desired, AFileThatChangedWhileNobodyRanIsARevisionOfItsOwn) {
  apply(patch("b1", R"({"weight": 7})"));
  restart(
      file_of(R"({ name = "b1", address = "10.0.0.1" }, { name = "b3", address = "10.0.0.3" })"));
  EXPECT_EQ(now_.state.revision, 3u);
  EXPECT_EQ(weight(0), 7u);
  ChangeRequest back;
  back.rollback_to = 2;
  EXPECT_EQ(apply(back), "");
  EXPECT_EQ(now_.model.pools[0].backends[1].name, "b2");
}

TEST_F(Desired, OfTheOverlayOnlyWhatBreaksARuleIsDropped) {
  apply(patch("b1", R"({"weight": 7})"));
  ChangeRequest add;
  add.changes = {{Change::Op::kPut,
                  {ResourcePath::Kind::kBackend, "web", "b3"},
                  Json::parse(R"({"address": "10.0.0.3"})")}};
  ASSERT_EQ(apply(add), "");
  // The new file gives b3's address to another backend.
  const auto file = file_of(std::string(kTwo) + R"(, { name = "b9", address = "10.0.0.3" })");
  ChangeRequest reload;
  reload.source = "file";
  ASSERT_EQ(apply(reload, &file), "");
  EXPECT_EQ(weight(0), 7u);
  ASSERT_EQ(now_.model.pools[0].backends.size(), 3u);
  ASSERT_EQ(now_.dropped.size(), 1u);
  EXPECT_THAT(now_.dropped[0], HasSubstr("pools/web/backends/b3"));
}

TEST_F(Desired, OfALargeOverlayToo) {
  ChangeRequest add;
  for (int i = 0; i < 500; ++i) {
    const std::string host = std::to_string(i / 250) + "." + std::to_string(i % 250);
    add.changes.push_back({Change::Op::kPut,
                           {ResourcePath::Kind::kBackend, "web", "n" + std::to_string(i)},
                           Json::parse(R"({"address": "10.1.)" + host + R"(", "weight": 0})")});
  }
  ASSERT_EQ(apply(add), "");
  const auto file = file_of(std::string(kTwo) + R"(, { name = "b9", address = "10.1.1.7" })");
  ASSERT_EQ(apply({}, &file), "");
  EXPECT_EQ(now_.model.pools[0].backends.size(), 502u);
  ASSERT_EQ(now_.dropped.size(), 1u);
  EXPECT_THAT(now_.dropped[0], HasSubstr("pools/web/backends/n257"));
}

TEST_F(Desired, OfABatchThatGoesWrongAllOverTheFirstErrorsAreSaid) {
  ChangeRequest request;
  const ResourcePath none{ResourcePath::Kind::kService, "none", ""};
  request.changes.assign(1000, {Change::Op::kDelete, none, nullptr});
  const auto revised = revise(now_.state, now_.model, request, nullptr, kStart);
  ASSERT_FALSE(revised);
  const auto& errors = revised.error().errors;
  ASSERT_EQ(errors.size(), 100u);
  EXPECT_THAT(errors.front().message, HasSubstr("there is no service"));
  EXPECT_THAT(errors.back().message, HasSubstr("901 more changes were not tried"));
}

TEST_F(Desired, AFileThatNeedsARestartIsRefused) {
  auto file = file_of(kTwo);
  file.model->capacity.flows = 5;
  EXPECT_THAT(apply({}, &file), HasSubstr("restart"));
}

TEST_F(Desired, DamagedTextIsLeftOut) {
  apply(patch("b1", R"({"weight": 7})"));
  const std::string text = to_text(now_.state);
  const std::string base = base_text(now_.state);
  std::mt19937 random(1);
  const int tries = test::rounds(100, 500);
  for (int round = 0; round < tries; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    const Revised restored = restore(file_of(kTwo), damaged, base, kStart);
    EXPECT_EQ(restored.model.pools.size(), 1u);
  }
  const Revised none = restore(file_of(kTwo), "{", base, kStart);
  EXPECT_THAT(none.dropped, ::testing::Not(IsEmpty()));
  const Revised no_base = restore(file_of(kTwo), text, "", kStart);
  EXPECT_EQ(no_base.model.pools[0].backends[0].weight, 7u);
  EXPECT_EQ(no_base.state.revision, 3u);
  EXPECT_EQ(no_base.state.history.size(), 1u);
}

TEST_F(Desired, ConfirmationsAreAskedForOnce) {
  ChangeRequest risky = patch("b1", R"({"weight": 7})");
  risky.confirm_within = seconds(60);
  EXPECT_EQ(apply(risky), "");
  ASSERT_TRUE(now_.state.unconfirmed);
  EXPECT_EQ(now_.state.unconfirmed->back_to, 1u);
  risky.changes[0].value["weight"] = 8;
  EXPECT_THAT(apply(risky), HasSubstr("another change waits"));
  restart(file_of(kTwo));
  ASSERT_TRUE(now_.state.unconfirmed) << "also over a restart";
  ChangeRequest confirm;
  confirm.confirm = true;
  EXPECT_EQ(apply(confirm), "");
  EXPECT_FALSE(now_.state.unconfirmed);
  EXPECT_THAT(apply(confirm), HasSubstr("nothing that waits"));
}

TEST_F(Desired, WhatNobodyConfirmsIsTakenBackAndWhatOthersDidStays) {
  ChangeRequest risky = patch("b1", R"({"weight": 7})");
  risky.changes.push_back({Change::Op::kPut,
                           {ResourcePath::Kind::kBackend, "web", "b3"},
                           Json::parse(R"({"address": "10.0.0.3"})")});
  risky.confirm_within = seconds(60);
  ASSERT_EQ(apply(risky), "");
  ASSERT_EQ(apply(patch("b1", R"({"state": "drain"})")), "");
  ASSERT_EQ(apply(patch("b3", R"({"state": "drain"})")), "");
  ChangeRequest expiry;
  expiry.take_back = true;
  ASSERT_EQ(apply(expiry), "");
  EXPECT_EQ(weight(0), 100u);
  EXPECT_EQ(now_.model.pools[0].backends[0].state, model::AdminState::kDrain);
  ASSERT_EQ(now_.model.pools[0].backends.size(), 2u);
  EXPECT_FALSE(now_.state.unconfirmed);
  EXPECT_THAT(now_.ended, ElementsAre(Field(&EndedNote::text, HasSubstr("revision 2"))));
  EXPECT_THAT(now_.dropped, ElementsAre(HasSubstr("pools/web/backends/b3")));
}

TEST_F(Desired, ARollbackWhileAChangeWaitsTakesBackThatOne) {
  ChangeRequest risky = patch("b1", R"({"weight": 7})");
  risky.confirm_within = seconds(60);
  ASSERT_EQ(apply(risky), "");
  ASSERT_EQ(apply(patch("b2", R"({"weight": 8})")), "");
  ChangeRequest back;
  back.rollback_to = 0;
  ASSERT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 100u);
  EXPECT_EQ(weight(1), 8u) << "what others did since stays";
  EXPECT_FALSE(now_.state.unconfirmed);
  EXPECT_THAT(now_.ended, ElementsAre(Field(&EndedNote::text, HasSubstr("revision 2"))));
}

TEST_F(Desired, ARollbackToTheChangeThatWaitsLeavesItWaiting) {
  ChangeRequest risky = patch("b1", R"({"weight": 7})");
  risky.confirm_within = seconds(60);
  ASSERT_EQ(apply(risky), "");
  ASSERT_EQ(apply(patch("b2", R"({"weight": 8})")), "");
  ChangeRequest back;
  back.rollback_to = 2;
  ASSERT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 7u);
  EXPECT_EQ(weight(1), 100u);
  ASSERT_TRUE(now_.state.unconfirmed) << "the way back is lost";
  ChangeRequest expiry;
  expiry.take_back = true;
  ASSERT_EQ(apply(expiry), "");
  EXPECT_EQ(weight(0), 100u);
}

/// What an operator says of "b1" by hand: unhealthy, draining for a minute, to live for 30 s.
ChangeRequest said_of_b1() {
  ChangeRequest request = patch("b1", R"({"state": "drain"})");
  request.marks = {{{"web", "b1"}, MarkChange::What::kForceDown, {}, false},
                   {{"web", "b1"}, MarkChange::What::kDrain, seconds(60), true},
                   {{"web", "b1"}, MarkChange::What::kRenew, seconds(30), false}};
  return request;
}

TEST_F(Desired, ABackendThatComesBackWithATakeBackIsWhatItWasByHand) {
  for (const bool over_a_restart : {false, true}) {
    start(file_of(kTwo));
    ASSERT_EQ(apply(said_of_b1()), "");
    ChangeRequest without;
    without.replacement = now_.state.running;
    without.replacement->pools[0]["backends"].erase(0);
    without.confirm_within = seconds(10);
    ASSERT_EQ(apply(without), "");
    ASSERT_THAT(now_.state.marks, IsEmpty());
    if (over_a_restart) restart(file_of(kTwo));
    ChangeRequest expiry;
    expiry.take_back = true;
    ASSERT_EQ(apply(expiry, nullptr, kStart + seconds(20)), "");
    ASSERT_EQ(now_.model.pools[0].backends.size(), 2u);
    const auto& b1 = now_.model.pools[0].backends[b1_index()];
    EXPECT_EQ(b1.forced, model::Forced::kDown);
    const Mark mark = now_.state.marks[{"web", "b1"}];
    EXPECT_EQ(mark.drain_until, kStart.wall + seconds(60));
    EXPECT_TRUE(mark.reset_at_deadline);
    EXPECT_EQ(mark.ttl_until, kStart.steady + seconds(50)) << "begins anew";
  }
}

TEST_F(Desired, ADrainThatComesBackWithATakeBackHasItsDeadline) {
  ASSERT_EQ(apply(said_of_b1()), "");
  ChangeRequest enabled = patch("b1", R"({"state": "enabled"})");
  enabled.confirm_within = seconds(10);
  ASSERT_EQ(apply(enabled), "");
  ASSERT_FALSE(now_.state.marks.at({"web", "b1"}).drain_until);
  ChangeRequest back;
  back.rollback_to = now_.state.unconfirmed->back_to;
  ASSERT_EQ(apply(back), "");
  const Mark mark = now_.state.marks[{"web", "b1"}];
  EXPECT_EQ(mark.drain_until, kStart.wall + seconds(60));
  EXPECT_TRUE(mark.reset_at_deadline);
}

TEST_F(Desired, WhatIsConfirmedBringsNoWordBack) {
  ASSERT_EQ(apply(said_of_b1()), "");
  const config::Resources with = now_.state.running;
  ChangeRequest without;
  without.replacement = with;
  without.replacement->pools[0]["backends"].erase(0);
  without.confirm_within = seconds(10);
  ASSERT_EQ(apply(without), "");
  ChangeRequest confirm;
  confirm.confirm = true;
  ASSERT_EQ(apply(confirm), "");
  ChangeRequest again;
  again.replacement = with;
  ASSERT_EQ(apply(again), "");
  EXPECT_THAT(now_.state.marks, IsEmpty());
}

TEST_F(Desired, WhatEndedWhileNobodyRanIsSaid) {
  ChangeRequest said = patch("b1", R"({"state": "drain"})");
  said.marks = {{{"web", "b1"}, MarkChange::What::kDrain, seconds(60), true},
                {{"web", "b2"}, MarkChange::What::kForceDown, seconds(60), false}};
  ASSERT_EQ(apply(said), "");
  const Revised later =
      restore(file_of(kTwo), to_text(now_.state), base_text(now_.state), kStart + seconds(60));
  ASSERT_EQ(later.ended.size(), 2u);
  EXPECT_EQ(later.ended[0].backend, MarkKey("web", "b1"));
  EXPECT_THAT(later.ended[0].text, HasSubstr("deadline"));
  EXPECT_EQ(later.ended[1].backend, MarkKey("web", "b2"));
  EXPECT_EQ(later.model.pools[0].backends[1].forced, model::Forced::kNone);
}

TEST_F(Desired, WhatLostItsBackendWhileNobodyRanIsSaid) {
  ChangeRequest said;
  said.marks = {{{"web", "b2"}, MarkChange::What::kForceDown, seconds(60), false}};
  ASSERT_EQ(apply(said), "");
  const auto without = file_of(R"({ name = "b1", address = "10.0.0.1" })");
  const Revised later =
      restore(without, to_text(now_.state), base_text(now_.state), kStart + seconds(60));
  EXPECT_THAT(later.dropped, ElementsAre(HasSubstr("pools/web/backends/b2")));
  EXPECT_FALSE(later.damaged);
  EXPECT_THAT(later.ended, IsEmpty());
  EXPECT_THAT(later.state.marks, IsEmpty());
}

TEST_F(Desired, ARenewalInTimeKeepsABackend) {
  ChangeRequest renewal;
  renewal.marks = {{{"web", "b1"}, MarkChange::What::kRenew, seconds(30), false}};
  ASSERT_EQ(apply(renewal), "");
  ASSERT_EQ(apply(renewal, nullptr, kStart + seconds(30)), "");
  ChangeRequest expiry;
  expiry.end_marks = true;
  ASSERT_EQ(apply(expiry, nullptr, kStart + seconds(30)), "");
  EXPECT_EQ(now_.model.pools[0].backends.size(), 2u);
  ASSERT_EQ(apply(expiry, nullptr, kStart + seconds(60)), "");
  EXPECT_EQ(now_.model.pools[0].backends.size(), 1u);
  ASSERT_EQ(now_.ended.size(), 1u);
  EXPECT_EQ(now_.ended[0].backend, MarkKey("web", "b1"));
  EXPECT_THAT(now_.ended[0].text, HasSubstr("not renewed within 30 s"));
}

TEST_F(Desired, WhatIsSaidOfABackendForATimeStandsInTheHistory) {
  const auto last = [&] {
    std::string text;
    for (const Change& change : now_.state.history.back().changes) text += to_json(change).dump();
    return text;
  };
  const auto mark = [](const std::string& backend, MarkChange::What what, bool reset = false) {
    ChangeRequest request;
    request.marks = {{{"web", backend}, what, seconds(5), reset}};
    return request;
  };
  ChangeRequest drain = mark("b2", MarkChange::What::kDrain, true);
  drain.changes = patch("b2", R"({"state": "drain"})").changes;
  ASSERT_EQ(apply(drain), "");
  const std::string drained = last();
  EXPECT_EQ(drained, R"({"op":"patch","path":"pools/web/backends/b2","value":{"state":"drain"}})");
  ASSERT_EQ(apply(mark("b1", MarkChange::What::kRenew)), "");
  EXPECT_EQ(last(), drained) << "no revision";
  ASSERT_EQ(apply(mark("b1", MarkChange::What::kForceDown)), "");
  EXPECT_EQ(last(), R"({"op":"patch","path":"pools/web/backends/b1","value":{"forced":"down"}})");
  restart(file_of(kTwo));
  EXPECT_EQ(last(), R"({"op":"patch","path":"pools/web/backends/b1","value":{"forced":"down"}})");
  ASSERT_EQ(apply(mark("b1", MarkChange::What::kAuto)), "");
  EXPECT_EQ(last(), R"({"op":"patch","path":"pools/web/backends/b1","value":{"forced":null}})");
  ChangeRequest expiry;
  expiry.end_marks = true;
  ASSERT_EQ(apply(expiry, nullptr, kStart + seconds(5)), "");
  EXPECT_EQ(last(),
            R"({"op":"delete","path":"pools/web/backends/b1"})"
            R"({"op":"patch","path":"pools/web/backends/b2","value":{"resets_flows":true}})")
      << "its time to live is over, too";
}

TEST_F(Desired, ARollbackGoesBackBeyondHealthByHand) {
  ASSERT_EQ(apply(patch("b1", R"({"weight": 7})")), "");
  ChangeRequest force;
  force.marks = {{{"web", "b1"}, MarkChange::What::kForceUp, {}, false}};
  ASSERT_EQ(apply(force), "");
  ChangeRequest back;
  back.rollback_to = 1;
  ASSERT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 100u);
}

TEST_F(Desired, WhatWaitsForItsConfirmationCanAlwaysComeBack) {
  ChangeRequest risky = patch("b1", R"({"weight": 1})");
  risky.confirm_within = seconds(60);
  ASSERT_EQ(apply(risky), "");
  std::string refused;
  for (int i = 2; i < 40 && refused.empty(); ++i)
    refused = apply(patch("b1", R"({"weight": )" + std::to_string(i) + "}"));
  EXPECT_THAT(refused, HasSubstr("no room for more"));
  ChangeRequest back;
  back.rollback_to = now_.state.unconfirmed->back_to;
  EXPECT_EQ(apply(back), "");
  EXPECT_EQ(weight(0), 100u);
  EXPECT_FALSE(now_.state.unconfirmed);
}

TEST_F(Desired, ABackendThatIsInServiceAgainForgetsItsDrainsDeadline) {
  ChangeRequest drain = patch("b1", R"({"state": "drain"})");
  drain.marks = {{{"web", "b1"}, MarkChange::What::kDrain, seconds(5), true}};
  ASSERT_EQ(apply(drain), "");
  ASSERT_EQ(apply(patch("b1", R"({"state": "enabled"})")), "");
  ChangeRequest expiry;
  expiry.end_marks = true;
  ASSERT_EQ(apply(expiry, nullptr, kStart + seconds(10)), "");
  EXPECT_FALSE(now_.model.pools[0].backends[0].resets_flows);
  EXPECT_THAT(now_.state.marks, IsEmpty());
}

TEST_F(Desired, ABaseOfAnotherMomentBeginsTheHistoryAnew) {
  apply(patch("b1", R"({"weight": 7})"));
  const std::string other =
      base_text(restore(file_of(R"({ name = "b9", address = "10.0.0.9" })"), "", "", kStart).state);
  const Revised restored = restore(file_of(kTwo), to_text(now_.state), other, kStart);
  EXPECT_EQ(restored.state.history.size(), 1u);
  EXPECT_EQ(restored.model.pools[0].backends[0].weight, 7u);
}

/// What a restore leaves is taken back by the next one without a complaint.
void expect_taken_back(const Revised& restored) {
  const Revised again =
      restore(file_of(kTwo), to_text(restored.state), base_text(restored.state), kStart);
  EXPECT_THAT(again.dropped, IsEmpty());
  EXPECT_EQ(again.state.history.size(), restored.state.history.size());
  EXPECT_EQ(again.state.revision, restored.state.revision);
}

/// The saved text, with the checksum that belongs to `base`.
std::string sealed(nlohmann::json json, const std::string& base) {
  boost::crc_32_type crc;
  crc.process_bytes(base.data(), base.size());
  json["base_crc"] = crc.checksum();
  return json.dump();
}

TEST_F(Desired, ARevisionOlderThanItsHistoryBeginsTheHistoryAnew) {
  apply(patch("b1", R"({"weight": 7})"));
  const std::string base = base_text(now_.state);
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    nlohmann::json json = nlohmann::json::parse(to_text(now_.state));
    json["revision"] = number;
    const Revised restored = restore(file_of(kTwo), sealed(json, base), base, kStart);
    EXPECT_EQ(restored.state.history.size(), 1u) << number;
    EXPECT_THAT(restored.dropped, ::testing::Not(IsEmpty())) << number;
    expect_taken_back(restored);
  }
}

TEST_F(Desired, ABaseThatNoPathCanNameBeginsTheHistoryAnew) {
  apply(patch("b1", R"({"weight": 7})"));
  std::string deep = "1";
  for (int i = 0; i < 29; ++i) deep = R"({"a": )" + deep + "}";
  for (const std::string& pool :
       {std::string(R"({"name": "a/b"})"), R"({"name": "deep", "health": )" + deep + "}"}) {
    const std::string base = R"({"services": [], "pools": [)" + pool + "]}";
    const Revised restored = restore(
        file_of(kTwo), sealed(nlohmann::json::parse(to_text(now_.state)), base), base, kStart);
    EXPECT_EQ(restored.state.history.size(), 1u) << pool;
    expect_taken_back(restored);
  }
}

TEST_F(Desired, AFullHistoryOverARestartLosesTheWayBackAndSaysSo) {
  ChangeRequest risky = patch("b1", R"({"weight": 7})");
  risky.confirm_within = seconds(60);
  ASSERT_EQ(apply(risky), "");
  for (int i = 1; now_.state.history.size() < DesiredState::kMostRevisions; ++i)
    ASSERT_EQ(apply(patch("b1", R"({"weight": )" + std::to_string(i) + "}")), "");
  ASSERT_TRUE(now_.state.unconfirmed.has_value());
  const Revised restored = restore(file_of(R"({ name = "b1", address = "10.0.0.1" })"),
                                   to_text(now_.state), base_text(now_.state), kStart);
  EXPECT_FALSE(restored.state.unconfirmed.has_value());
  EXPECT_THAT(restored.dropped, ::testing::Contains(HasSubstr("way back")));
}

}  // namespace
}  // namespace guideway::control
