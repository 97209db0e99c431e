// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/service_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string>

#include "../../support/ip.h"
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/service.h"

namespace guideway::compile {
namespace {

using ::testing::HasSubstr;

using guideway::test::ip;

model::Service service(const char* name, const char* vip, model::Protocol protocol,
                       std::uint16_t port, const char* pool = "web") {
  model::Service result;
  result.name = name;
  result.address = ip(vip);
  result.protocol = protocol;
  result.port = port;
  result.pool = pool;
  return result;
}

model::Model model_of(std::vector<model::Service> services) {
  model::Model model;
  for (const char* name : {"web", "dns"}) model.pools.emplace_back().name = name;
  model.services = std::move(services);
  return model;
}

ServiceTable table_of(const model::Model& model) {
  auto table = make_service_table(model);
  EXPECT_TRUE(table) << table.error().message;
  return std::move(table).value();
}

/// What the packet path finds; the entry stays valid as long as the table.
const gw_service* find(const ServiceTable& table, const IpAddress& vip, std::uint32_t protocol,
                       std::uint16_t port) {
  gw_state state{};
  state.service_seed = table.seed;
  state.service_count = static_cast<std::uint32_t>(table.entries.size());
  gw_port tables{};
  tables.state = &state;
  tables.services = table.entries.data();
  gw_work work{};
  std::memcpy(work.destination, vip.bytes().data(), 16);
  work.family = vip.is_v4() ? GW_FAMILY_4 : GW_FAMILY_6;
  return gw_service_lookup(&tables, &work, protocol, gw_swap16(port));
}

TEST(ServiceTable, ThePacketPathFindsEveryService) {
  const ServiceTable table =
      table_of(model_of({service("web4", "203.0.113.10", model::Protocol::kTcp, 80),
                         service("web6", "2001:db8::10", model::Protocol::kTcp, 80),
                         service("dns", "203.0.113.10", model::Protocol::kTcpUdp, 53, "dns"),
                         service("any", "203.0.113.11", model::Protocol::kUdp, 0)}));
  ASSERT_EQ(table.info.size(), 5u);
  const gw_service* web = find(table, ip("203.0.113.10"), GW_PROTO_TCP, 80);
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->id, 0);
  EXPECT_EQ(web->pool, 0);
  EXPECT_EQ(web->idle_timeout_s, 350);
  EXPECT_EQ(find(table, ip("2001:db8::10"), GW_PROTO_TCP, 80)->id, 1);
  EXPECT_EQ(find(table, ip("203.0.113.10"), GW_PROTO_TCP, 53)->id, 2);
  EXPECT_EQ(find(table, ip("203.0.113.10"), GW_PROTO_UDP, 53)->id, 3);
  EXPECT_EQ(find(table, ip("203.0.113.10"), GW_PROTO_UDP, 53)->pool, 1);
  EXPECT_EQ(find(table, ip("203.0.113.11"), GW_PROTO_UDP, 0)->id, 4);

  EXPECT_EQ(find(table, ip("203.0.113.10"), GW_PROTO_UDP, 80), nullptr);
  EXPECT_EQ(find(table, ip("203.0.113.12"), GW_PROTO_TCP, 80), nullptr);
  EXPECT_EQ(find(table, ip("203.0.113.11"), GW_PROTO_UDP, 80), nullptr);
}

TEST(ServiceTable, EveryVipIsMarkedOnce) {
  const ServiceTable table =
      table_of(model_of({service("a", "203.0.113.10", model::Protocol::kTcp, 80),
                         service("b", "203.0.113.10", model::Protocol::kTcp, 443),
                         service("c", "2001:db8::10", model::Protocol::kUdp, 53)}));
  EXPECT_NE(find(table, ip("203.0.113.10"), GW_PROTO_NONE, 0), nullptr);
  EXPECT_NE(find(table, ip("2001:db8::10"), GW_PROTO_NONE, 0), nullptr);
  EXPECT_EQ(find(table, ip("203.0.113.11"), GW_PROTO_NONE, 0), nullptr);
  EXPECT_EQ(std::count_if(table.entries.begin(), table.entries.end(),
                          [](const gw_service& e) { return (e.flags & GW_SERVICE_USED) != 0; }),
            5);
}

TEST(ServiceTable, AnIpv4VipIsNotTheIpv6AddressOfTheSameBytes) {
  const ServiceTable table =
      table_of(model_of({service("a", "32.1.13.184", model::Protocol::kTcp, 80)}));
  EXPECT_NE(find(table, ip("32.1.13.184"), GW_PROTO_TCP, 80), nullptr);
  EXPECT_EQ(find(table, ip("2001:db8::"), GW_PROTO_TCP, 80), nullptr);
}

TEST(ServiceTable, AnyPortIsSaidOnlyIfSomeServiceHasIt) {
  const auto web = service("a", "203.0.113.10", model::Protocol::kTcp, 80);
  EXPECT_FALSE(table_of(model_of({web})).has_any_port);
  EXPECT_TRUE(table_of(model_of({web, service("b", "203.0.113.11", model::Protocol::kTcp, 0)}))
                  .has_any_port);
}

TEST(ServiceTable, TheHashKeyChoosesTheMasks) {
  struct Case {
    model::HashKey hash;
    std::uint32_t ports;
    std::uint32_t destination;
    bool per_connection;
  };
  const std::uint8_t source_port_bytes[] = {0xff, 0xff, 0, 0};  // as they stand in a TCP header
  const Case cases[] = {
      {model::HashKey::kFiveTuple, 0xffffffff, 0xffffffff, true},
      {model::HashKey::kSource, 0, 0, false},
      {model::HashKey::kSourcePort, gw_load32(source_port_bytes), 0, false},
      {model::HashKey::kSourceDestination, 0, 0xffffffff, false},
  };
  for (const Case& c : cases) {
    auto tested = service("a", "203.0.113.10", model::Protocol::kTcp, 80);
    tested.hash = c.hash;
    const ServiceTable table = table_of(model_of({tested}));
    const gw_service* entry = find(table, tested.address, GW_PROTO_TCP, 80);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->ports_mask, c.ports);
    EXPECT_EQ(entry->destination_mask, c.destination);
    EXPECT_EQ((entry->flags & GW_SERVICE_PER_CONNECTION) != 0, c.per_connection);
  }
}

TEST(ServiceTable, TheSaltBelongsToTheServiceAndNotToItsPlace) {
  const auto a = service("a", "203.0.113.10", model::Protocol::kTcp, 80);
  const auto b = service("b", "203.0.113.10", model::Protocol::kTcp, 443, "dns");
  const ServiceTable first = table_of(model_of({a, b}));
  const ServiceTable second = table_of(model_of({b, a}));
  EXPECT_EQ(find(first, a.address, GW_PROTO_TCP, 80)->salt,
            find(second, a.address, GW_PROTO_TCP, 80)->salt);
  std::set<std::uint32_t> salts;
  for (const char* vip : {"203.0.113.10", "203.0.113.11", "2001:db8::10"}) {
    for (const std::uint8_t protocol : {6, 17}) {
      for (const std::uint16_t port : {0, 80, 443}) {
        salts.insert(service_salt(ip(vip), protocol, port));
      }
    }
  }
  EXPECT_EQ(salts.size(), 18u);
  // Part of the flow hash, which has to outlive restarts and upgrades.
  EXPECT_EQ(service_salt(ip("203.0.113.10"), GW_PROTO_TCP, 80), 336621554u);
}

TEST(ServiceTable, NoServicesGiveAnEmptyTable) {
  const ServiceTable table = table_of(model_of({}));
  EXPECT_TRUE(std::has_single_bit(table.entries.size()));
  EXPECT_EQ(find(table, ip("203.0.113.10"), GW_PROTO_TCP, 80), nullptr);
}

model::Model large_model(std::size_t count) {
  std::vector<model::Service> services;
  for (std::size_t i = 0; i < count; ++i) {
    model::Service next = service("s", "203.0.113.10", model::Protocol::kTcpUdp, 80);
    const auto high = static_cast<std::uint8_t>(i >> 8);
    const auto low = static_cast<std::uint8_t>(i);
    next.address =
        i % 2 == 0 ? IpAddress::v4({10, 9, high, low})
                   : IpAddress::v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low});
    next.port = static_cast<std::uint16_t>(i % 7);
    services.push_back(next);
  }
  return model_of(std::move(services));
}

TEST(ServiceTable, ManyServicesAllFindRoom) {
  const model::Model model = large_model(20'000);
  const ServiceTable table = table_of(model);
  EXPECT_TRUE(std::has_single_bit(table.entries.size()));
  EXPECT_GE(table.entries.size(), 4 * 3 * model.services.size());
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    const model::Service& s = model.services[i];
    const gw_service* udp = find(table, s.address, GW_PROTO_UDP, s.port);
    ASSERT_NE(udp, nullptr) << i;
    ASSERT_EQ(udp->id, 2 * i + 1);
    ASSERT_NE(find(table, s.address, GW_PROTO_TCP, s.port), nullptr) << i;
    ASSERT_NE(find(table, s.address, GW_PROTO_NONE, 0), nullptr) << i;
  }
}

/// Small tables are where two candidates collide most often.
TEST(ServiceTable, EverySmallNumberOfServicesFindsRoom) {
  for (std::size_t count = 1; count <= 64; ++count) {
    const model::Model model = large_model(count);
    const ServiceTable table = table_of(model);
    for (const model::Service& s : model.services) {
      ASSERT_NE(find(table, s.address, GW_PROTO_UDP, s.port), nullptr) << count;
    }
  }
}

TEST(ServiceTable, TheSameModelGivesTheSameBytes) {
  const model::Model model = large_model(500);
  const ServiceTable a = table_of(model);
  const ServiceTable b = table_of(model);
  ASSERT_EQ(a.entries.size(), b.entries.size());
  EXPECT_EQ(std::memcmp(a.entries.data(), b.entries.data(), a.entries.size() * sizeof(gw_service)),
            0);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.seed % 2, 1u);
}

TEST(ServiceTable, AServiceKeepsItsIdWhateverComesAndGoesBesideIt) {
  const auto a = service("a", "203.0.113.1", model::Protocol::kTcp, 80);
  const auto b = service("b", "203.0.113.2", model::Protocol::kTcpUdp, 53);
  const auto c = service("c", "203.0.113.3", model::Protocol::kUdp, 0);
  const ServiceTable first = table_of(model_of({a, b}));
  ASSERT_EQ(first.ids.size(), 3u);

  const auto second = make_service_table(model_of({c, b}), first.ids);
  ASSERT_TRUE(second);
  const ServiceKey dns_tcp{b.address, GW_PROTO_TCP, 53};
  const ServiceKey dns_udp{b.address, GW_PROTO_UDP, 53};
  EXPECT_EQ(second->ids.at(dns_tcp), first.ids.at(dns_tcp));
  EXPECT_EQ(second->ids.at(dns_udp), first.ids.at(dns_udp));
  const std::uint16_t freed = first.ids.at({a.address, GW_PROTO_TCP, 80});
  EXPECT_EQ(second->ids.at({c.address, GW_PROTO_UDP, 0}), 3) << "a's packets are still counted";
  EXPECT_FALSE(second->info[freed].used);

  const auto third = make_service_table(model_of({a, b, c}), second->ids);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->ids.at({a.address, GW_PROTO_TCP, 80}), freed) << "one generation later";
  EXPECT_EQ(third->info[freed].name, "a");
}

TEST(ServiceTable, TheIdOfAServiceThatIsJustGoingIsTakenWhenThereIsNoOther) {
  const auto a = service("a", "203.0.113.1", model::Protocol::kTcp, 80);
  const auto b = service("b", "203.0.113.2", model::Protocol::kTcp, 80);
  const auto c = service("c", "203.0.113.3", model::Protocol::kTcpUdp, 80);
  const ServiceTable first = table_of(model_of({a, b}));
  model::Model model = model_of({b, c});
  model.capacity.services = 3;
  const auto second = make_service_table(model, first.ids);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ids.at({b.address, GW_PROTO_TCP, 80}), 1);
  EXPECT_EQ(second->ids.at({c.address, GW_PROTO_TCP, 80}), 2);
  EXPECT_EQ(second->ids.at({c.address, GW_PROTO_UDP, 80}), 0);
}

std::string error_of(const model::Model& model) {
  const auto table = make_service_table(model);
  return table ? "no error" : table.error().message;
}

TEST(ServiceTable, WhatCannotBeCompiledIsNamed) {
  const auto web = service("web", "203.0.113.10", model::Protocol::kTcp, 80);
  auto lost = web;
  lost.pool = "nowhere";
  EXPECT_THAT(error_of(model_of({lost})), HasSubstr("there is no pool nowhere"));
  EXPECT_THAT(error_of(model_of({web, web})), HasSubstr("same address, protocol and port"));
  auto slow = web;
  slow.idle_timeout = std::chrono::seconds(4096);
  EXPECT_THAT(error_of(model_of({slow})), HasSubstr("1 s to 4095 s"));
  EXPECT_THAT(error_of(large_model(33'000)), HasSubstr("more than 65535 services"));
}

}  // namespace
}  // namespace guideway::compile
