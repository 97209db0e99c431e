// SPDX-License-Identifier: Apache-2.0
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "controller_fixture.h"
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/flow_table.h"

namespace guideway::control {
namespace {

using compile::NextHop;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ControllerTest, StartsWithVipsOwnedAndBackendsWatchedButWithoutUnresolvedOnes) {
  start();
  EXPECT_THAT(datapath_.published, ElementsAre(1));
  EXPECT_THAT(addresses_.vips, ElementsAre(address("203.0.113.10")));
  EXPECT_THAT(monitor_.watched, ElementsAre(address("10.0.0.1"), address("10.0.0.2")));
  EXPECT_EQ(backend_status("b1").slots, 0u);
  EXPECT_THAT(backend_status("b1").reason, HasSubstr("neighbour"));
}

TEST_F(ControllerTest, ABackendGetsSlotsOnceItsNeighbourIsKnown) {
  start();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  EXPECT_EQ(backend_status("b1").reason, "");
  monitor_.set(address("10.0.0.2"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b2").slots == 125; }));
}

TEST_F(ControllerTest, ABackendThatLosesItsNeighbourIsAnEventAlsoWithoutACheck) {
  start();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  ASSERT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  monitor_.set(address("10.0.0.1"), NextHop::State::kFailed);
  ASSERT_TRUE(reaches([&] { return backend_status("b1").slots == 0; }));
  const auto said = controller_->events().find({.kinds = {events::Kind::kState}}).events;
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0].message, HasSubstr("backend web/b1: cannot be reached"));
}

TEST_F(ControllerTest, ABadFileChangesNothing) {
  start();
  const std::string change = controller_->status().change_id;
  file_ = make_model({backend(2)});
  file_errors_ = {"f:1:1: wrong"};
  controller_->reload();
  // The refused reload comes first: once this later change is seen, that one has been judged.
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  EXPECT_EQ(loads_, 1);
  EXPECT_THAT(datapath_.published, ElementsAre(1, 2));
  EXPECT_EQ(controller_->status().generation, 2u);
  EXPECT_EQ(controller_->status().change_id, change);
  EXPECT_EQ(backend_status("b1").state, "enabled");
  EXPECT_EQ(backend_status("b2").state, "enabled");
  EXPECT_THAT(monitor_.watched, ElementsAre(address("10.0.0.1"), address("10.0.0.2")));
  EXPECT_THAT(addresses_.vips, ElementsAre(address("203.0.113.10")));
}

TEST_F(ControllerTest, AnExceptionWhileAFileIsReadRefusesTheChange) {
  start();
  load_throws_ = true;
  controller_->reload();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  EXPECT_EQ(loads_, 1);
  load_throws_ = false;
  file_ = make_model({backend(1)});
  controller_->reload();
  EXPECT_TRUE(reaches([&] { return backend_status("b2").state == "removed"; }));
}

TEST_F(ControllerTest, TheStateOfABackendIsTheOperators) {
  file_.pools[0].backends[1].state = model::AdminState::kDrain;
  start();
  EXPECT_EQ(backend_status("b1").state, "enabled");
  EXPECT_EQ(backend_status("b2").state, "drain");
}

TEST_F(ControllerTest, NewBackendsAreResolvedBeforeAFlowIsSentToThem) {
  start();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  monitor_.set(address("10.0.0.2"), NextHop::State::kResolved);
  ASSERT_TRUE(reaches([&] { return backend_status("b2").slots == 125; }));
  file_ = make_model({backend(3), backend(4)});
  controller_->reload();
  // They are looked for while the old ones still serve.
  ASSERT_TRUE(reaches([&] { return monitor_.watched.size() == 4; }));
  EXPECT_EQ(backend_status("b1").state, "enabled");
  monitor_.set(address("10.0.0.3"), NextHop::State::kResolved);
  monitor_.set(address("10.0.0.4"), NextHop::State::kNoRoute);
  // The first generation that has them has their slots too: the pool was never empty.
  ASSERT_TRUE(reaches([&] { return backend_status("b3").name == "b3"; }));
  EXPECT_EQ(backend_status("b3").slots, 251u);
  EXPECT_EQ(backend_status("b1").state, "removed");
}

TEST_F(ControllerTest, AReloadDoesNotWaitForeverForABackendThatIsSilent) {
  start();
  file_ = make_model({backend(1), backend(2), backend(3)});
  controller_->reload();
  EXPECT_TRUE(reaches([&] { return backend_status("b3").name == "b3"; }));
  EXPECT_EQ(backend_status("b3").slots, 0u);
}

TEST_F(ControllerTest, AReloadThatCannotBeCompiledStopsWatchingItsBackends) {
  start();
  file_ = make_model({backend(1), backend(2), backend(3)});
  file_.pools[0].backends[0].weight = 1000;
  file_.pools[0].backends[1].weight = 1;
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return monitor_.watched.size() == 3; }));
  EXPECT_TRUE(reaches([&] { return monitor_.watched.size() == 2; }));
  EXPECT_EQ(backend_status("b1").weight, 100u);
}

TEST_F(ControllerTest, AVipThatCannotBeOwnedIsAnErrorOfTheStart) {
  addresses_.fault = "no";
  make_controller();
  const auto started = controller_->start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("no"));
}

TEST_F(ControllerTest, ANatAddressThatTheHostHasIsAnErrorOfTheStart) {
  file_.pools[0].forwarding = model::Forwarding::kNat;
  file_.pools[0].nat_sources = {address("198.51.100.9")};
  addresses_.foreign = {address("198.51.100.9")};
  make_controller();
  const auto started = controller_->start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("198.51.100.9 is foreign"));
  EXPECT_TRUE(datapath_.published.empty()) << "the host's own answers would be lost";
}

TEST_F(ControllerTest, ANatAddressThatTheHostHasIsRefusedInAReload) {
  start();
  const std::uint32_t generation = controller_->status().generation;
  file_.pools[0].forwarding = model::Forwarding::kNat;
  file_.pools[0].nat_sources = {address("198.51.100.9")};
  addresses_.foreign = {address("198.51.100.9")};
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return controller_->status().changes_refused == 1; }));
  EXPECT_EQ(controller_->status().generation, generation);
  addresses_.foreign.clear();
  controller_->reload();
  EXPECT_TRUE(reaches([&] { return controller_->status().generation > generation; }));
}

TEST_F(ControllerTest, ANatAddressThatTheHostGetsLaterIsLookedAtUntilItIsGone) {
  file_.pools[0].forwarding = model::Forwarding::kNat;
  file_.pools[0].nat_sources = {address("198.51.100.9")};
  start();
  EXPECT_THAT(addresses_.vips, Contains(address("198.51.100.9")));
  const int calls = addresses_.calls;
  addresses_.foreign = {address("198.51.100.9")};
  monitor_.happen({.address_found = true});
  EXPECT_TRUE(reaches([&] { return addresses_.calls > calls + 1; }));
  addresses_.foreign.clear();
  const int later = addresses_.calls;
  EXPECT_TRUE(reaches([&] { return addresses_.calls == later + 1; }));
}

TEST_F(ControllerTest, LostAddressesArePutBackAndALinkThatComesUpIsToldTheVips) {
  file_.interfaces.resize(1);
  start();
  const int calls = addresses_.calls;
  monitor_.happen({.address_lost = true, .link_up = false});
  EXPECT_TRUE(reaches([&] { return addresses_.calls == calls + 1; }));
  EXPECT_EQ(addresses_.interfaces_set.back(), "gw-wan");
  EXPECT_EQ(addresses_.announced_again, 0);
  const int announcements = addresses_.announcements;
  monitor_.happen({.address_lost = false, .link_up = true});
  EXPECT_TRUE(reaches([&] { return addresses_.announced_again == 1; }));
  EXPECT_TRUE(reaches([&] { return addresses_.announcements > announcements; }));
}

TEST_F(ControllerTest, WhatFailedIsTriedAgain) {
  start();
  file_.services[0].address = address("203.0.113.20");
  addresses_.fault = "not now";
  const int calls = addresses_.calls;
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return addresses_.calls > calls; }));
  addresses_.fault.clear();
  EXPECT_TRUE(
      reaches([&] { return addresses_.vips == std::set<IpAddress>{address("203.0.113.20")}; }));
  // And no more once it has worked: the ticks go on.
  const int done = addresses_.calls;
  const int announcements = addresses_.announcements;
  ASSERT_TRUE(reaches([&] { return addresses_.announcements >= announcements + 2; }));
  EXPECT_EQ(addresses_.calls, done);
}

TEST_F(ControllerTest, AChangeThatNeedsARestartIsRefusedWhole) {
  start();
  file_.capacity.flows = 5;
  file_.services.clear();
  controller_->reload();
  // The refused reload comes first: once this later change is seen, that one has been judged.
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  EXPECT_EQ(controller_->status().services.size(), 1u);
}

TEST_F(ControllerTest, AWeightThatTheTableCannotExpressIsRefused) {
  start();
  file_.pools[0].backends[0].weight = 1000;
  file_.pools[0].backends[1].weight = 1;
  controller_->reload();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  EXPECT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  EXPECT_EQ(backend_status("b1").weight, 100u);
}

TEST_F(ControllerTest, ServicesOfANewFileOwnTheirVips) {
  start();
  file_.services[0].address = address("203.0.113.20");
  controller_->reload();
  EXPECT_TRUE(reaches([&] { return datapath_.published.size() >= 2; }));
  EXPECT_THAT(addresses_.vips, ElementsAre(address("203.0.113.20")));
  file_.services[0].vip = model::VipMode::kRouted;
  controller_->reload();
  EXPECT_TRUE(reaches([&] { return addresses_.vips.empty(); }));
}

TEST_F(ControllerTest, WorkersAreToldWhatTheSweepCountsForPoolsThatGoByLoad) {
  file_.pools[0].scheduler = model::Scheduler::kLeastConnections;
  for (std::size_t bucket = 0; bucket < 3; bucket++)
    gw_flow_store(&datapath_.word(bucket, 0),
                  gw_flow_word(77, 1, GW_FLOW_ESTABLISHED, datapath_.now));
  start();
  EXPECT_TRUE(reaches([&] { return gw_counter_read(&datapath_.first_row[1].load_offset) == 3; }));
  EXPECT_TRUE(reaches([&] { return gw_counter_read(&datapath_.second_row[1].load_offset) == 3; }));
}

TEST_F(ControllerTest, ARemovedBackendKeepsItsIdWhileItHasAFlow) {
  start();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  monitor_.set(address("10.0.0.2"), NextHop::State::kResolved);
  ASSERT_TRUE(reaches([&] { return backend_status("b2").slots == 125; }));
  const std::uint16_t id = 1;
  ASSERT_EQ(datapath_.state().backend_info[id].name, "b2");
  gw_flow_store(&datapath_.word(3, 5), gw_flow_word(77, id, GW_FLOW_ESTABLISHED, datapath_.now));

  file_ = make_model({backend(1)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return backend_status("b2").state == "removed"; }));
  EXPECT_EQ(backend_status("b2").slots, 0u);
  EXPECT_EQ(backend_status("b1").slots, 251u);
  EXPECT_TRUE(reaches([&] { return backend_status("b2").live_flows == 1; }));
  EXPECT_EQ(datapath_.state().backends[id].flags & GW_BACKEND_USED, GW_BACKEND_USED);

  // A new backend gets another id.
  file_ = make_model({backend(1), backend(3)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return backend_status("b3").name == "b3"; }));
  EXPECT_EQ(datapath_.state().backend_info[2].name, "b3");

  // Its last flow ends: the record goes, and the id may be given out again.
  gw_flow_store(&datapath_.word(3, 5), 0);
  ASSERT_TRUE(reaches([&] { return backend_status("b2").name.empty(); }));
  datapath_.forgotten_backends.clear();
  file_ = make_model({backend(1), backend(3), backend(4)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return backend_status("b4").name == "b4"; }));
  EXPECT_EQ(datapath_.state().backend_info[id].name, "b4");
  EXPECT_THAT(datapath_.forgotten_backends, ElementsAre(id));
}

TEST_F(ControllerTest, NoIdIsFreedWhileAnOldGenerationMayBeInUse) {
  start();
  datapath_.grace = false;
  file_ = make_model({backend(1)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return backend_status("b2").state == "removed"; }));
  // Many slices of the sweep pass without a walk being started.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  loop_.run_until(until);
  EXPECT_EQ(backend_status("b2").state, "removed");
  datapath_.grace = true;
  EXPECT_TRUE(reaches([&] { return backend_status("b2").name.empty(); }));
}

TEST_F(ControllerTest, TheIdOfAServiceStartsAtZeroOnlyWhenItIsNew) {
  start();
  EXPECT_THAT(datapath_.forgotten_services, ElementsAre(0));
  datapath_.forgotten_services.clear();
  file_.services.insert(file_.services.begin(), file_.services[0]);
  file_.services[0].name = "https";
  file_.services[0].port = 443;
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return controller_->status().services.size() == 2; }));
  EXPECT_THAT(datapath_.forgotten_services, ElementsAre(1));
  EXPECT_EQ(controller_->status().services[0].name, "http");
}

TEST_F(ControllerTest, WhatADatapathHasNoRoomForIsRefused) {
  start();
  monitor_.set(address("10.0.0.1"), NextHop::State::kResolved);
  ASSERT_TRUE(reaches([&] { return backend_status("b1").slots == 251; }));
  const std::string change = controller_->status().change_id;
  datapath_.prepare_fails = true;
  file_ = make_model({backend(2)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return datapath_.refused == 1; }));
  datapath_.prepare_fails = false;
  // Once this later change is seen, the refused one has been dealt with.
  monitor_.set(address("10.0.0.2"), NextHop::State::kResolved);
  ASSERT_TRUE(reaches([&] { return backend_status("b2").slots == 125; }));
  EXPECT_EQ(backend_status("b1").state, "enabled");
  EXPECT_EQ(controller_->status().change_id, change);
}

TEST_F(ControllerTest, AStartThatADatapathHasNoRoomForFails) {
  datapath_.prepare_fails = true;
  make_controller();
  const auto started = controller_->start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("no room"));
  EXPECT_THAT(datapath_.published, IsEmpty());
}

TEST_F(ControllerTest, TheIdOfAChangeIsInItsEventsAndInTheStatus) {
  start();
  const std::string first = controller_->status().change_id;
  file_ = make_model({backend(1)});
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return controller_->status().change_id != first; }));
  std::vector<std::pair<events::Kind, std::string>> told;
  for (const events::Event& event : controller_->events().find({}).events)
    for (const base::Field& field : event.fields)
      if (field.key == "change_id")
        told.emplace_back(event.kind, std::get<std::string>(field.value));
  const std::string second = controller_->status().change_id;
  EXPECT_THAT(told, ElementsAre(std::pair(events::Kind::kGeneration, first),
                                std::pair(events::Kind::kState, second),
                                std::pair(events::Kind::kGeneration, second)));
}

class AdoptingControllerTest : public ControllerTest {
 protected:
  static constexpr model::HashSeed kKeptSeed{9, 8, 7};

  /// A daemon has left b1 and b5, with other ids than a fresh start would give; the file has b1 and
  /// b2.
  AdoptingControllerTest() {
    datapath::KeptFlows kept;
    kept.director = "guideway";
    kept.shape = {1, 64};
    kept.hash_seed = kKeptSeed;
    kept.generation = 41;
    kept.ids = compile::BackendIds(file_.capacity.backends);
    EXPECT_TRUE(kept.ids.restore(3, entry("b1", "10.0.0.1")));
    EXPECT_TRUE(kept.ids.restore(0, entry("b5", "10.0.0.5")));
    datapath_.kept = kept;
    for (const char* each : {"10.0.0.1", "10.0.0.2", "10.0.0.5"})
      monitor_.set(address(each), NextHop::State::kResolved);
  }

  static compile::BackendIds::Entry entry(const std::string& name, const std::string& ip) {
    compile::BackendIds::Entry result;
    result.key = {"web", address(ip), 0};
    result.name = name;
    result.sweep_timeout_s = 350;
    return result;
  }
};

TEST_F(AdoptingControllerTest, GenerationsAndIdsGoOn) {
  start();
  EXPECT_THAT(datapath_.published, ElementsAre(42));
  EXPECT_EQ(datapath_.state().backend_info[3].name, "b1");
  // A new backend gets an id that nobody had.
  EXPECT_EQ(datapath_.state().backend_info[1].name, "b2");
  EXPECT_EQ(backend_status("b1").state, "enabled");
  EXPECT_EQ(backend_status("b1").slots, 126u);
}

TEST_F(AdoptingControllerTest, TheAdoptedSeedHoldsAndNotTheFiles) {
  start();
  const gw_hash_key adopted = datapath_.state().header.hash_key;
  FakeDatapath fresh(64);
  FakeMonitor monitor;
  Controller other(Parts{loop_, fresh, monitor, addresses_, {"gw-wan"}}, loaded(), kKeptSeed,
                   [this] { return loaded(); });
  ASSERT_TRUE(other.start());
  EXPECT_EQ(std::memcmp(&adopted, &fresh.state().header.hash_key, sizeof adopted), 0);
}

TEST_F(AdoptingControllerTest, ABackendThatTheFileLacksIsRemovedAndKeepsItsIdWhileItHasAFlow) {
  gw_flow_store(&datapath_.word(3, 5), gw_flow_word(77, 0, GW_FLOW_ESTABLISHED, datapath_.now));
  start();
  EXPECT_EQ(backend_status("b5").state, "removed");
  EXPECT_EQ(backend_status("b5").slots, 0u);
  EXPECT_EQ(datapath_.state().backends[0].flags & GW_BACKEND_USED, GW_BACKEND_USED);
  EXPECT_TRUE(reaches([&] { return backend_status("b5").live_flows == 1; }));
  // With a record to be sent by, so its neighbour is looked after.
  EXPECT_TRUE(monitor_.watched.contains(address("10.0.0.5")));

  gw_flow_store(&datapath_.word(3, 5), 0);
  EXPECT_TRUE(reaches([&] { return backend_status("b5").name.empty(); }));
}

}  // namespace
}  // namespace guideway::control
