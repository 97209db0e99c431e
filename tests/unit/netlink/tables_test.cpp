// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/tables.h"

#include <gtest/gtest.h>
#include <linux/neighbour.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../../support/ip.h"

namespace guideway::netlink {
namespace {

using compile::NextHop;

using guideway::test::ip;
Mac mac(const std::string& text) { return Mac::parse(text).value(); }

const Mac kOurMac = mac("02:00:00:00:00:01");
const Mac kBackendMac = mac("02:00:00:00:00:aa");
const Mac kOtherMac = mac("02:00:00:00:00:bb");

constexpr int kWan = 2;

/// Two interfaces of ours, gw-wan and gw-lan, one that is not (eth9), and a backend on gw-wan.
class TablesTest : public testing::Test {
 protected:
  TablesTest() {
    tables.put_link({.index = 1, .name = "lo", .mac = Mac{}, .mtu = 65536, .up = true});
    tables.put_link({.index = kWan, .name = "gw-wan", .mac = kOurMac, .mtu = 1500, .up = true});
    tables.put_link({.index = 3, .name = "gw-lan", .mac = kOurMac, .mtu = 9000, .up = true});
    tables.put_link({.index = 9, .name = "eth9", .mac = kOurMac, .mtu = 1500, .up = true});
    tables.watch({backend});
  }

  static Route on_link(int link) { return {.kind = Route::Kind::kLink, .link = link}; }
  static Route via(int link, const IpAddress& gateway) {
    return {.kind = Route::Kind::kLink, .link = link, .gateway = gateway};
  }
  void neighbour(const IpAddress& address, std::uint16_t state, std::optional<Mac> at = kBackendMac,
                 int link = kWan) {
    tables.put_neighbour({.key = {link, address}, .state = state, .mac = at, .managed = true});
  }
  const NextHop& hop(const IpAddress& address) const { return tables.next_hops().at(address); }
  const NextHop& hop() const { return hop(backend); }

  Tables tables{{"gw-wan", "gw-lan"}};
  const IpAddress backend = ip("10.0.0.11");
};

TEST_F(TablesTest, AddressWithoutRouteAnswerIsResolving) {
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
  EXPECT_TRUE(tables.take_changed());
  EXPECT_FALSE(tables.take_changed());
}

TEST_F(TablesTest, ResolvedNeighbourGivesTheWholeNextHop) {
  Route route = on_link(3);
  route.preferred_source = ip("10.0.0.1");
  tables.put_route(backend, route);
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
  neighbour(backend, NUD_REACHABLE, kBackendMac, 3);
  NextHop expected;
  expected.state = NextHop::State::kResolved;
  expected.destination = kBackendMac;
  expected.source = kOurMac;
  expected.interface_index = 1;
  expected.mtu = 9000;
  expected.preferred_source = ip("10.0.0.1");
  EXPECT_EQ(hop(), expected);
}

TEST_F(TablesTest, NeighbourKnownBeforeTheRouteCounts) {
  neighbour(backend, NUD_STALE);
  tables.put_route(backend, on_link(kWan));
  EXPECT_EQ(hop().state, NextHop::State::kResolved);
}

TEST_F(TablesTest, SameAddressOnAnotherLinkIsAnotherNeighbour) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_REACHABLE, kOtherMac, 3);
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
}

TEST_F(TablesTest, EveryStateWithAnAddressIsUsable) {
  tables.put_route(backend, on_link(kWan));
  for (const std::uint16_t state :
       {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT, NUD_NOARP}) {
    neighbour(backend, NUD_PROBE);
    neighbour(backend, NUD_FAILED, std::nullopt);
    ASSERT_EQ(hop().state, NextHop::State::kFailed);
    neighbour(backend, state);
    EXPECT_EQ(hop().state, NextHop::State::kResolved) << state;
  }
}

TEST_F(TablesTest, FailedNeighbourStaysFailedWhileTheKernelRetries) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_INCOMPLETE, std::nullopt);
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
  neighbour(backend, NUD_FAILED, std::nullopt);
  tables.take_changed();
  neighbour(backend, NUD_INCOMPLETE, std::nullopt);
  EXPECT_EQ(hop().state, NextHop::State::kFailed);
  EXPECT_FALSE(tables.take_changed());
  neighbour(backend, NUD_REACHABLE);
  EXPECT_EQ(hop().state, NextHop::State::kResolved);
  EXPECT_TRUE(tables.take_changed());
}

TEST_F(TablesTest, DeletedNeighbourKeepsItsMacUntilItFails) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_REACHABLE);
  tables.take_changed();
  tables.remove_neighbour({kWan, backend});
  EXPECT_FALSE(tables.take_changed());
  EXPECT_EQ(hop().destination, kBackendMac);
  neighbour(backend, NUD_INCOMPLETE, std::nullopt);
  EXPECT_EQ(hop().state, NextHop::State::kResolved);
  neighbour(backend, NUD_FAILED, std::nullopt);
  EXPECT_EQ(hop().state, NextHop::State::kFailed);
  tables.remove_neighbour({kWan, backend});
  EXPECT_EQ(hop().state, NextHop::State::kFailed);
}

TEST_F(TablesTest, DeletionThatIsReportedAsFailureKeepsTheMac) {
  tables.put_route(backend, on_link(kWan));
  for (const std::uint16_t state : {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PERMANENT}) {
    neighbour(backend, state);
    neighbour(backend, NUD_FAILED, std::nullopt);
    EXPECT_EQ(hop().state, NextHop::State::kResolved) << state;
    tables.remove_neighbour({kWan, backend});
    EXPECT_EQ(hop().destination, kBackendMac) << state;
  }
  // Asked for again, and now really silent.
  neighbour(backend, NUD_NONE, std::nullopt);
  neighbour(backend, NUD_FAILED, std::nullopt);
  EXPECT_EQ(hop().state, NextHop::State::kFailed);
}

TEST_F(TablesTest, MacOfANeighbourThatNobodyNeedsIsNotRemembered) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_REACHABLE);
  tables.remove_neighbour({kWan, backend});
  tables.watch({});
  tables.watch({backend});
  tables.put_route(backend, on_link(kWan));
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
}

TEST_F(TablesTest, ChangedMacIsAChange) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_REACHABLE);
  tables.take_changed();
  neighbour(backend, NUD_STALE);
  EXPECT_FALSE(tables.take_changed());
  neighbour(backend, NUD_REACHABLE, kOtherMac);
  EXPECT_TRUE(tables.take_changed());
  EXPECT_EQ(hop().destination, kOtherMac);
}

TEST_F(TablesTest, GatewayIsTheNeighbourOfAllBehindIt) {
  const IpAddress far1 = ip("10.9.0.1");
  const IpAddress far2 = ip("10.9.0.2");
  const IpAddress gateway = ip("10.0.0.254");
  tables.watch({far1, far2});
  tables.put_route(far1, via(kWan, gateway));
  tables.put_route(far2, via(kWan, gateway));
  EXPECT_EQ(tables.take_to_ask(10, Refresh::kManaged),
            (std::vector<NeighbourKey>{{kWan, gateway}}));
  neighbour(gateway, NUD_REACHABLE);
  EXPECT_EQ(hop(far1).destination, kBackendMac);
  EXPECT_EQ(hop(far2).destination, kBackendMac);
}

TEST_F(TablesTest, GatewayOfTheOtherFamilyWorks) {
  const IpAddress gateway = ip("fe80::1");
  tables.put_route(backend, via(kWan, gateway));
  neighbour(gateway, NUD_REACHABLE);
  EXPECT_EQ(hop().state, NextHop::State::kResolved);
}

TEST_F(TablesTest, MovedRouteUsesTheNewGatewayAndGivesBackTheOld) {
  const IpAddress before = ip("10.0.0.253");
  const IpAddress after = ip("10.0.0.254");
  tables.put_route(backend, via(kWan, before));
  neighbour(before, NUD_REACHABLE);
  neighbour(after, NUD_REACHABLE, kOtherMac);
  tables.put_route(backend, via(kWan, after));
  EXPECT_EQ(hop().destination, kOtherMac);
  EXPECT_EQ(tables.take_unneeded(), (std::vector<NeighbourKey>{{kWan, before}}));
  EXPECT_TRUE(tables.take_unneeded().empty());
}

TEST_F(TablesTest, NoRouteAndOtherInterfacesAreToldApart) {
  tables.put_route(backend, {.kind = Route::Kind::kNone});
  EXPECT_EQ(hop().state, NextHop::State::kNoRoute);
  tables.put_route(backend, {.kind = Route::Kind::kLocal});
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
  tables.put_route(backend, on_link(9));
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
  EXPECT_FALSE(tables.has_to_ask());
}

TEST_F(TablesTest, LinkWithoutEthernetAddressIsNotUsable) {
  tables.put_link({.index = kWan, .name = "gw-wan", .mac = std::nullopt, .mtu = 1500});
  tables.put_route(backend, on_link(kWan));
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
}

TEST_F(TablesTest, VlanInterfaceGivesItsTagAndItsMac) {
  tables.put_link({.index = 20,
                   .name = "gw-lan.100",
                   .mac = kOtherMac,
                   .mtu = 1496,
                   .vlan_id = 100,
                   .lower_index = 3});
  tables.put_route(backend, on_link(20));
  neighbour(backend, NUD_REACHABLE, kBackendMac, 20);
  EXPECT_EQ(hop().state, NextHop::State::kResolved);
  EXPECT_EQ(hop().interface_index, 1);
  EXPECT_EQ(hop().vlan_count, 1);
  EXPECT_EQ(hop().vlans[0], (compile::VlanTag{100, 0x8100}));
  EXPECT_EQ(hop().source, kOtherMac);
  EXPECT_EQ(hop().mtu, 1496);
}

TEST_F(TablesTest, TwoVlanLevelsGiveTheTagNearestTheWireFirst) {
  tables.put_link({.index = 20,
                   .name = "outer",
                   .mac = kOurMac,
                   .vlan_id = 100,
                   .vlan_protocol = 0x88a8,
                   .lower_index = kWan});
  tables.put_link(
      {.index = 21, .name = "inner", .mac = kOurMac, .vlan_id = 200, .lower_index = 20});
  tables.put_route(backend, on_link(21));
  EXPECT_EQ(hop().vlan_count, 2);
  EXPECT_EQ(hop().vlans, (std::array<compile::VlanTag, 2>{{{100, 0x88a8}, {200, 0x8100}}}));
  EXPECT_EQ(hop().interface_index, 0);
}

TEST_F(TablesTest, ThirdVlanLevelIsNotOurs) {
  for (int i = 0; i < 3; ++i) {
    tables.put_link({.index = 20 + i,
                     .name = "v" + std::to_string(i),
                     .mac = kOurMac,
                     .vlan_id = 100,
                     .lower_index = i == 0 ? kWan : 19 + i});
  }
  tables.put_route(backend, on_link(22));
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
}

TEST_F(TablesTest, VlanInterfaceThatIsItselfOursHasNoTag) {
  Tables named({"gw-wan.100"});
  named.put_link(
      {.index = 20, .name = "gw-wan.100", .mac = kOurMac, .vlan_id = 100, .lower_index = kWan});
  named.watch({backend});
  named.put_route(backend, on_link(20));
  EXPECT_EQ(named.next_hops().at(backend).state, NextHop::State::kResolving);
  EXPECT_EQ(named.next_hops().at(backend).vlan_count, 0);
}

TEST_F(TablesTest, VlanLoopEnds) {
  tables.put_link({.index = 20, .name = "a", .mac = kOurMac, .vlan_id = 1, .lower_index = 21});
  tables.put_link({.index = 21, .name = "b", .mac = kOurMac, .vlan_id = 2, .lower_index = 20});
  tables.put_route(backend, on_link(20));
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
}

TEST_F(TablesTest, MtuIsTheSmallestOnTheWay) {
  Route route = on_link(kWan);
  route.mtu = 1400;
  tables.put_route(backend, route);
  EXPECT_EQ(hop().mtu, 1400);
  route.mtu = 9000;
  tables.put_route(backend, route);
  EXPECT_EQ(hop().mtu, 1500);
  tables.put_link({.index = kWan, .name = "gw-wan", .mac = kOurMac, .mtu = 70000});
  route.mtu = 0;
  tables.put_route(backend, route);
  EXPECT_EQ(hop().mtu, 65535);
}

TEST_F(TablesTest, LinkGoneTakesItsNeighboursAlong) {
  tables.put_route(backend, on_link(kWan));
  neighbour(backend, NUD_REACHABLE);
  tables.remove_link(kWan);
  EXPECT_EQ(hop().state, NextHop::State::kOtherInterface);
  tables.put_link({.index = kWan, .name = "gw-wan", .mac = kOurMac});
  EXPECT_EQ(hop().state, NextHop::State::kResolving);
}

TEST_F(TablesTest, SameLinkAgainIsNoChange) {
  const Link link{.index = 30, .name = "eth30", .mac = kOurMac, .mtu = 1500, .up = true};
  EXPECT_TRUE(tables.put_link(link));
  EXPECT_FALSE(tables.put_link(link));
}

TEST_F(TablesTest, FullListingDropsWhatItLacks) {
  const IpAddress second = ip("10.0.0.12");
  tables.watch({backend, second});
  tables.put_route(backend, on_link(kWan));
  tables.put_route(second, on_link(kWan));
  neighbour(backend, NUD_REACHABLE);
  neighbour(second, NUD_PROBE, kOtherMac);
  tables.take_to_ask(10, Refresh::kManaged);
  tables.replace_neighbours({{.key = {kWan, second}, .state = NUD_FAILED, .managed = true}});
  EXPECT_EQ(hop(backend).destination, kBackendMac);
  EXPECT_EQ(hop(second).state, NextHop::State::kFailed);
  EXPECT_EQ(tables.take_to_ask(10, Refresh::kManaged),
            (std::vector<NeighbourKey>{{kWan, backend}}));
  tables.replace_links({});
  EXPECT_EQ(hop(backend).state, NextHop::State::kOtherInterface);
}

TEST_F(TablesTest, UnwatchedAddressLeavesNothingBehind) {
  tables.put_route(backend, on_link(kWan));
  tables.take_changed();
  tables.watch({});
  EXPECT_TRUE(tables.next_hops().empty());
  EXPECT_TRUE(tables.take_changed());
  EXPECT_EQ(tables.take_unneeded(), (std::vector<NeighbourKey>{{kWan, backend}}));
  tables.put_route(backend, on_link(kWan));
  EXPECT_TRUE(tables.next_hops().empty());
  EXPECT_TRUE(tables.take_to_ask(10, Refresh::kManaged).empty());
}

TEST_F(TablesTest, NeighboursAreAskedForOnceAndInBatches) {
  std::set<IpAddress> many;
  for (std::uint8_t i = 1; i <= 10; ++i) many.insert(IpAddress::v4({10, 0, 0, i}));
  tables.watch(many);
  for (const IpAddress& address : many) tables.put_route(address, on_link(kWan));
  EXPECT_EQ(tables.take_to_ask(4, Refresh::kManaged).size(), 4U);
  EXPECT_TRUE(tables.has_to_ask());
  EXPECT_EQ(tables.take_to_ask(100, Refresh::kManaged).size(), 6U);
  EXPECT_FALSE(tables.has_to_ask());
  tables.queue_unresolved(Refresh::kManaged);
  EXPECT_EQ(tables.take_to_ask(100, Refresh::kManaged).size(), 10U);
}

TEST_F(TablesTest, OnlyWhatNeedsItIsAskedAgain) {
  tables.put_route(backend, on_link(kWan));
  const auto asked_again = [&](std::uint16_t state, bool managed, Refresh refresh) {
    tables.put_neighbour(
        {.key = {kWan, backend}, .state = state, .mac = kBackendMac, .managed = managed});
    tables.take_to_ask(10, refresh);
    tables.queue_unresolved(refresh);
    return !tables.take_to_ask(10, refresh).empty();
  };
  EXPECT_FALSE(asked_again(NUD_REACHABLE, true, Refresh::kManaged));
  EXPECT_FALSE(asked_again(NUD_STALE, true, Refresh::kManaged));
  EXPECT_TRUE(asked_again(NUD_REACHABLE, false, Refresh::kManaged));
  EXPECT_TRUE(asked_again(NUD_FAILED, true, Refresh::kManaged));
  EXPECT_FALSE(asked_again(NUD_PERMANENT, false, Refresh::kManaged));
  EXPECT_FALSE(asked_again(NUD_NOARP, false, Refresh::kManaged));
  EXPECT_FALSE(asked_again(NUD_REACHABLE, false, Refresh::kOnce));
  EXPECT_TRUE(asked_again(NUD_STALE, false, Refresh::kOnce));
  EXPECT_FALSE(asked_again(NUD_PERMANENT, false, Refresh::kOnce));
}

}  // namespace
}  // namespace guideway::netlink
