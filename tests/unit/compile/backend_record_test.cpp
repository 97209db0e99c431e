// SPDX-License-Identifier: Apache-2.0
// The expected bytes were made with scapy, e.g. for IPIP over IPv4:
//   Ether(dst="02:00:00:00:00:0b", src="02:00:00:00:00:0a", type=0x800) /
//   IP(tos=0, len=0, id=0, flags="DF", ttl=64, proto=0, chksum=0, src="198.51.100.2",
//   dst="10.0.0.11")
#include "guideway/compile/backend_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../../support/ip.h"

namespace guideway::compile {
namespace {

using ::testing::HasSubstr;

using guideway::test::ip;
Mac mac(const char* text) { return Mac::parse(text).value(); }

std::string hex(const std::uint8_t* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string template_of(const gw_backend& record) {
  return hex(record.template_bytes, record.l2_length + record.outer_length);
}

NextHop resolved(std::vector<VlanTag> vlans = {}) {
  NextHop hop;
  hop.state = NextHop::State::kResolved;
  hop.destination = mac("02:00:00:00:00:0b");
  hop.source = mac("02:00:00:00:00:0a");
  hop.interface_index = 3;
  hop.mtu = 1450;
  for (const VlanTag vlan : vlans) hop.vlans[hop.vlan_count++] = vlan;
  return hop;
}

NextHop resolved_4(std::vector<VlanTag> vlans = {}) {
  NextHop hop = resolved(std::move(vlans));
  hop.preferred_source = ip("198.51.100.2");
  return hop;
}

NextHop resolved_6(std::vector<VlanTag> vlans = {}) {
  NextHop hop = resolved(std::move(vlans));
  hop.preferred_source = ip("2001:db8::2");
  return hop;
}

Destination destination(const char* to, model::Forwarding forwarding) {
  Destination result;
  result.address = ip(to);
  result.forwarding = forwarding;
  if (forwarding == model::Forwarding::kVxlan) {
    result.vxlan = model::Vxlan{0x123456, 4789, mac("02:67:77:00:00:01")};
  }
  return result;
}

gw_backend record_of(const Destination& to, const NextHop& hop) {
  const auto record = make_backend_record(to, hop);
  EXPECT_TRUE(record) << record.error().message;
  return record.value_or(gw_backend{});
}

constexpr char kBackend4[] = "10.0.0.11";
constexpr char kBackend6[] = "2001:db8:50::11";

TEST(BackendRecord, L2DsrIsAnEthernetHeaderWithoutType) {
  const gw_backend record =
      record_of(destination(kBackend4, model::Forwarding::kL2Dsr), resolved());
  EXPECT_EQ(template_of(record), "02000000000b02000000000a0000");
  EXPECT_EQ(record.l2_length, 14);
  EXPECT_EQ(record.outer_length, 0);
  EXPECT_EQ(record.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED);
  EXPECT_EQ(record.interface_index, 3);
  EXPECT_EQ(record.mtu, 1450);
}

TEST(BackendRecord, L2DsrThroughVlans) {
  const Destination to = destination(kBackend6, model::Forwarding::kL2Dsr);
  const gw_backend one = record_of(to, resolved({{100}}));
  EXPECT_EQ(template_of(one), "02000000000b02000000000a810000640000");
  EXPECT_EQ(one.l2_length, 18);
  const gw_backend two = record_of(to, resolved({{4094, VlanTag::kService}, {7}}));
  EXPECT_EQ(template_of(two), "02000000000b02000000000a88a80ffe810000070000");
  EXPECT_EQ(two.l2_length, 22);
}

TEST(BackendRecord, ATagHasTheEtherTypeOfTheVlanInterface) {
  const Destination to = destination(kBackend6, model::Forwarding::kL2Dsr);
  EXPECT_EQ(template_of(record_of(to, resolved({{100, VlanTag::kService}}))),
            "02000000000b02000000000a88a800640000");
  EXPECT_EQ(template_of(record_of(to, resolved({{4094}, {7}}))),
            "02000000000b02000000000a81000ffe810000070000");
}

TEST(BackendRecord, IpipOverIpv4) {
  const Destination to = destination(kBackend4, model::Forwarding::kIpip);
  const gw_backend record = record_of(to, resolved_4());
  EXPECT_EQ(template_of(record),
            "02000000000b02000000000a0800450000000000400040000000c63364020a00000b");
  EXPECT_EQ(record.l2_length, 14);
  EXPECT_EQ(record.outer_length, 20);
  EXPECT_EQ(record.inner_protocol_offset, 9);
  EXPECT_EQ(record.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_4);
  EXPECT_EQ(record.outer_checksum, gw_swap16(0xf941));
  EXPECT_EQ(template_of(record_of(to, resolved_4({{100}}))),
            "02000000000b02000000000a810000640800450000000000400040000000c63364020a00000b");
}

TEST(BackendRecord, IpipOverIpv6) {
  const gw_backend record =
      record_of(destination(kBackend6, model::Forwarding::kIpip), resolved_6());
  EXPECT_EQ(template_of(record),
            "02000000000b02000000000a86dd6000000000000040"
            "20010db800000000000000000000000220010db8005000000000000000000011");
  EXPECT_EQ(record.outer_length, 40);
  EXPECT_EQ(record.inner_protocol_offset, 6);
  EXPECT_EQ(record.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_6);
  EXPECT_EQ(record.outer_checksum, 0);
}

TEST(BackendRecord, VxlanOverIpv4) {
  const gw_backend record =
      record_of(destination(kBackend4, model::Forwarding::kVxlan), resolved_4());
  EXPECT_EQ(template_of(record),
            "02000000000b02000000000a0800450000000000400040110000c63364020a00000b"
            "000012b500000000"
            "0800000012345600"
            "0267770000010267770000000000");
  EXPECT_EQ(record.outer_length, 50);
  EXPECT_EQ(record.inner_protocol_offset, 48);
  EXPECT_EQ(record.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_4 |
                              GW_BACKEND_OUTER_UDP | GW_BACKEND_INNER_ETHERTYPE);
  EXPECT_EQ(record.outer_checksum, gw_swap16(0xf952));
}

TEST(BackendRecord, VxlanOverIpv6AndTwoVlansIsTheLongestTemplate) {
  const gw_backend record = record_of(destination(kBackend6, model::Forwarding::kVxlan),
                                      resolved_6({{4094, VlanTag::kService}, {7}}));
  EXPECT_EQ(template_of(record),
            "02000000000b02000000000a88a80ffe8100000786dd6000000000001140"
            "20010db800000000000000000000000220010db8005000000000000000000011"
            "000012b500000000"
            "0800000012345600"
            "0267770000010267770000000000");
  EXPECT_EQ(record.l2_length, 22);
  EXPECT_EQ(record.outer_length, 70);
  EXPECT_EQ(record.inner_protocol_offset, 68);
  EXPECT_EQ(record.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_6 |
                              GW_BACKEND_OUTER_UDP | GW_BACKEND_INNER_ETHERTYPE);
}

TEST(BackendRecord, Gre) {
  Destination to = destination(kBackend4, model::Forwarding::kGre);
  const gw_backend plain = record_of(to, resolved_4());
  EXPECT_EQ(template_of(plain),
            "02000000000b02000000000a08004500000000004000402f0000c63364020a00000b00000000");
  EXPECT_EQ(plain.outer_length, 24);
  EXPECT_EQ(plain.inner_protocol_offset, 22);
  EXPECT_EQ(plain.flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_4 |
                             GW_BACKEND_INNER_ETHERTYPE);
  EXPECT_EQ(plain.outer_checksum, gw_swap16(0xf970));
  to.gre = model::Gre{0xdeadbeef};
  EXPECT_EQ(template_of(record_of(to, resolved_4())),
            "02000000000b02000000000a08004500000000004000402f0000c63364020a00000b20000000deadbeef");
  to.address = ip(kBackend6);
  const gw_backend over_6 = record_of(to, resolved_6());
  EXPECT_EQ(template_of(over_6),
            "02000000000b02000000000a86dd6000000000002f40"
            "20010db800000000000000000000000220010db8005000000000000000000011"
            "20000000deadbeef");
  EXPECT_EQ(over_6.inner_protocol_offset, 42);
}

TEST(BackendRecord, Gue) {
  Destination to = destination(kBackend4, model::Forwarding::kGue);
  const gw_backend record = record_of(to, resolved_4());
  EXPECT_EQ(template_of(record),
            "02000000000b02000000000a0800450000000000400040110000c63364020a00000b"
            "000017c00000000000000000");
  EXPECT_EQ(record.outer_length, 32);
  EXPECT_EQ(record.inner_protocol_offset, 29);
  EXPECT_EQ(record.flags,
            GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_4 | GW_BACKEND_OUTER_UDP);
  EXPECT_EQ(record.outer_checksum, gw_swap16(0xf952));
  to.gue = model::Gue{6666};
  EXPECT_THAT(template_of(record_of(to, resolved_4())), HasSubstr("00001a0a0000000000000000"));
}

TEST(BackendRecord, AConfiguredSourceGoesBeforeTheKernels) {
  Destination to = destination(kBackend4, model::Forwarding::kIpip);
  to.source = ip("198.51.100.99");
  EXPECT_THAT(template_of(record_of(to, resolved_4())), HasSubstr("c63364630a00000b"));
}

TEST(BackendRecord, AnUnresolvedNextHopGivesARecordThatSendsNothing) {
  for (const auto state : {NextHop::State::kResolving, NextHop::State::kFailed,
                           NextHop::State::kNoRoute, NextHop::State::kOtherInterface}) {
    NextHop hop = resolved_4();
    hop.state = state;
    const Destination to = destination(kBackend4, model::Forwarding::kVxlan);
    const gw_backend record = record_of(to, hop);
    EXPECT_EQ(record.flags, GW_BACKEND_USED);
    EXPECT_EQ(record.l2_length, 0);
    EXPECT_EQ(obstacle(to, hop), describe(hop));
    EXPECT_NE(describe(hop), "");
  }
  EXPECT_EQ(describe(resolved()), "");
}

TEST(BackendRecord, ATunnelWithoutASourceAddressSendsNothing) {
  const Destination to = destination(kBackend6, model::Forwarding::kIpip);
  for (const NextHop& hop : {resolved(), resolved_4()}) {
    EXPECT_EQ(record_of(to, hop).flags, GW_BACKEND_USED);
    EXPECT_THAT(obstacle(to, hop), HasSubstr("no source address"));
  }
  EXPECT_EQ(obstacle(destination(kBackend6, model::Forwarding::kL2Dsr), resolved()), "");
}

TEST(BackendRecord, SaysWhereItsTunnelComesFrom) {
  using enum model::Forwarding;
  const std::vector<VlanTag> tag = {{0x8100, 10}};
  for (const auto forwarding : {kIpip, kVxlan, kGre, kGue}) {
    const auto source_of = [&](const char* to, const NextHop& hop) {
      return outer_source_of(record_of(destination(to, forwarding), hop));
    };
    EXPECT_EQ(source_of(kBackend4, resolved_4()), ip("198.51.100.2"));
    EXPECT_EQ(source_of(kBackend4, resolved_4(tag)), ip("198.51.100.2")) << "tagged";
    EXPECT_EQ(source_of(kBackend6, resolved_6()), ip("2001:db8::2"));
    EXPECT_EQ(source_of(kBackend4, resolved()), std::nullopt) << "no source, no template";
  }
  for (const auto forwarding : {kL2Dsr, kNat})
    EXPECT_EQ(outer_source_of(record_of(destination(kBackend4, forwarding), resolved_4())),
              std::nullopt);
}

TEST(BackendRecord, ASourceOfTheOtherFamilyIsRefused) {
  Destination to = destination(kBackend4, model::Forwarding::kIpip);
  to.source = ip("2001:db8::2");
  const auto record = make_backend_record(to, resolved_4());
  ASSERT_FALSE(record);
  EXPECT_THAT(record.error().message, HasSubstr("different families"));
}

TEST(BackendRecord, VxlanWithoutItsSettingsIsRefused) {
  Destination to = destination(kBackend4, model::Forwarding::kVxlan);
  to.vxlan.reset();
  const auto record = make_backend_record(to, resolved_4());
  ASSERT_FALSE(record);
  EXPECT_THAT(record.error().message, HasSubstr("vxlan settings are missing"));
}

}  // namespace
}  // namespace guideway::compile
