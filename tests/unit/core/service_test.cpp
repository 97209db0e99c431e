// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/service.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {
namespace {

/// Number i of many services: addresses 203.0.x.y or 2001:db8::x:y, TCP or UDP, some on any port.
model::Service make_service(unsigned i) {
  model::Service service;
  const auto high = static_cast<std::uint8_t>(i / 16 / 200);
  const auto low = static_cast<std::uint8_t>(i / 16 % 200);
  service.name = "s" + std::to_string(i);
  service.address =
      i % 2 ? IpAddress::v4({203, 0, high, low})
            : IpAddress::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low});
  service.protocol = i / 2 % 2 ? model::Protocol::kTcp : model::Protocol::kUdp;
  service.port = i / 4 % 4 == 0 ? 0 : static_cast<std::uint16_t>(1000 + i / 4 % 4);
  service.pool = "web";
  return service;
}

gw_work work_for(const IpAddress& address, std::uint8_t protocol, std::uint16_t port) {
  gw_work w{};
  w.family = address.is_v4() ? GW_FAMILY_4 : GW_FAMILY_6;
  w.protocol = protocol;
  std::memcpy(w.destination, address.bytes().data(), 16);
  w.ports = static_cast<std::uint32_t>(gw_swap16(port)) << 16 | 0x1234;
  return w;
}

std::uint8_t protocol_of(const model::Service& service) {
  return service.protocol == model::Protocol::kTcp ? GW_PROTO_TCP : GW_PROTO_UDP;
}

class ManyServicesTest : public testing::Test {
 protected:
  static constexpr unsigned kCount = 240;

  void SetUp() override {
    model_ = make_model();
    model_.services.clear();
    for (unsigned i = 0; i < kCount; ++i) model_.services.push_back(make_service(i));
    ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  }

  /// Name of the service that gets the packet, or "".
  std::string service_of(gw_work w) {
    if (gw_find_service(&world_.port(), &w, GW_GO_ON) != GW_GO_ON) return "";
    return world_.state().service_info.at(w.service->id).name;
  }

  CoreWorld world_;
  model::Model model_;
};

TEST_F(ManyServicesTest, EachIsFoundByItsOwnAddressProtocolAndPort) {
  for (const model::Service& service : model_.services) {
    EXPECT_EQ(service_of(work_for(service.address, protocol_of(service), service.port)),
              service.name);
  }
}

TEST_F(ManyServicesTest, OtherPortsGoToTheAnyPortServiceOfTheAddress) {
  for (const model::Service& service : model_.services) {
    if (service.port != 0) continue;
    EXPECT_EQ(service_of(work_for(service.address, protocol_of(service), 4711)), service.name);
  }
}

TEST_F(ManyServicesTest, NobodyElseIsFound) {
  for (unsigned i = 0; i < 200; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    for (const std::uint8_t protocol : {GW_PROTO_TCP, GW_PROTO_UDP}) {
      EXPECT_EQ(service_of(work_for(IpAddress::v4({203, 1, 0, byte}), protocol, 1001)), "");
      EXPECT_EQ(service_of(work_for(IpAddress::v4({198, 51, 100, byte}), protocol, 80)), "");
    }
  }
}

TEST_F(ManyServicesTest, WithoutAnyPortServicesOtherPortsAreNobodys) {
  std::erase_if(model_.services, [](const model::Service& service) { return service.port == 0; });
  ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  EXPECT_EQ(world_.state().header.flags & GW_STATE_ANY_PORT, 0u);
  for (const model::Service& service : model_.services) {
    EXPECT_EQ(service_of(work_for(service.address, protocol_of(service), 4711)), "");
  }
}

TEST_F(ManyServicesTest, MalformedPacketsAreDroppedForAVipAndLeftAloneOtherwise) {
  for (const gw_reason malformed : {GW_REASON_IP_HEADER, GW_REASON_IP_LENGTH, GW_REASON_FRAGMENT,
                                    GW_REASON_L4_TRUNCATED, GW_REASON_IPV6_EXTENSIONS}) {
    gw_work w = work_for(model_.services.front().address, 0, 0);
    EXPECT_EQ(gw_find_service(&world_.port(), &w, malformed), malformed);
    w = work_for(IpAddress::v4({198, 51, 100, 1}), 0, 0);
    EXPECT_EQ(gw_find_service(&world_.port(), &w, malformed), GW_REASON_NO_SERVICE);
  }
  for (const gw_reason others : {GW_REASON_NOT_IP, GW_REASON_TOO_SHORT, GW_REASON_OTHER_PROTOCOL}) {
    gw_work w = work_for(model_.services.front().address, 0, 0);
    EXPECT_EQ(gw_find_service(&world_.port(), &w, others), others);
  }
}

/// A VIP's own entry forwards nothing: a packet of protocol 0 is no service's.
TEST_F(ManyServicesTest, TheEntryThatMarksAVipIsNoService) {
  for (const model::Service& service : model_.services) {
    gw_work w = work_for(service.address, GW_PROTO_UDP, 7);
    if (gw_find_service(&world_.port(), &w, GW_GO_ON) == GW_GO_ON) {
      EXPECT_NE(w.service->protocol, GW_PROTO_NONE);
    }
  }
}

TEST(ServiceCandidates, AreWithinTheTableAndDependOnEveryPartOfTheKey) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  const auto add = [&](std::uint64_t hi, std::uint64_t lo, std::uint32_t tail, std::uint64_t seed) {
    const std::uint64_t hash = gw_service_hash(hi, lo, tail, seed);
    const std::uint32_t first = gw_service_first(hash, 1u << 20);
    const std::uint32_t second = gw_service_second(hash, 1u << 20);
    EXPECT_LT(first, 1u << 20);
    EXPECT_LT(second, 1u << 20);
    EXPECT_TRUE(seen.emplace(first, second).second);
  };
  add(0, 0, 0, 12345);
  for (unsigned bit = 0; bit < 64; ++bit) add(std::uint64_t{1} << bit, 0, 0, 12345);
  for (unsigned bit = 0; bit < 64; ++bit) add(0, std::uint64_t{1} << bit, 0x00060050, 12345);
  for (unsigned bit = 0; bit < 32; ++bit) add(7, 7, 1u << bit, 12345);
  add(7, 7, 0x00060050, 12345);
  add(7, 7, 0x00060050, 12347);
}

}  // namespace
}  // namespace guideway::test
