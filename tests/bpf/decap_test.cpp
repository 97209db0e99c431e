// SPDX-License-Identifier: Apache-2.0
// The decapsulator's program: what each packet becomes, byte for byte, and which counter says so.
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <tuple>

#include "decap_run.h"

namespace guideway::decap::test {
namespace {

class EveryTunnel : public testing::TestWithParam<std::tuple<Kind, int, int>> {
 protected:
  Tunnel tunnel_ = std::apply(make_tunnel, GetParam());
  Runner runner_;
};

/// "vxlan_4in6".
std::string case_name(const testing::TestParamInfo<std::tuple<Kind, int, int>>& tunnel) {
  const auto& [kind, outer, inner] = tunnel.param;
  return to_string(kind) + "_" + std::to_string(inner) + "in" + std::to_string(outer);
}

INSTANTIATE_TEST_SUITE_P(Tunnels, EveryTunnel,
                         testing::Combine(testing::ValuesIn(kKinds), testing::Values(4, 6),
                                          testing::Values(4, 6)),
                         case_name);

TEST_P(EveryTunnel, HandsTheInnerPacketOver) {
  const Bytes frame = make_frame(tunnel_);
  const Outcome outcome = runner_.run(frame);
  EXPECT_TRUE(outcome.passed);
  EXPECT_EQ(outcome.reason, "decapsulated");
  EXPECT_EQ(outcome.bytes, decapsulated(frame, tunnel_.inner, tunnel_.inner_family));
}

TEST_P(EveryTunnel, KeepsEthernetPadding) {
  Bytes frame = make_frame(tunnel_);
  Bytes expected = decapsulated(frame, tunnel_.inner, tunnel_.inner_family);
  for (Bytes* bytes : {&frame, &expected}) bytes->insert(bytes->end(), 9, 0);
  const Outcome outcome = runner_.run(frame);
  EXPECT_EQ(outcome.reason, "decapsulated");
  EXPECT_EQ(outcome.bytes, expected);
}

TEST_P(EveryTunnel, TakesFullSizedPackets) {
  tunnel_.inner = make_inner({.family = tunnel_.inner_family, .data_length = 1440});
  const Bytes frame = make_frame(tunnel_);
  EXPECT_EQ(runner_.run(frame).bytes, decapsulated(frame, tunnel_.inner, tunnel_.inner_family));
}

TEST_P(EveryTunnel, AFrameCutAnywherePassesUntouched) {
  const Bytes whole = make_frame(tunnel_);
  for (std::size_t size = kEthernetLength; size < whole.size(); ++size) {
    const Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Outcome outcome = runner_.run(frame);
    EXPECT_TRUE(outcome.passed) << size;
    EXPECT_TRUE(outcome.reason == "not_tunnel" || outcome.reason == "outer_header")
        << size << " bytes: " << outcome.reason;
    EXPECT_EQ(outcome.bytes, frame) << size;
  }
}

/// The director itself sends what is cut: the outer lengths agree with it.
TEST_P(EveryTunnel, AnInnerPacketCutAnywhereIsNotHandedOver) {
  const Bytes inner = tunnel_.inner;
  std::set<std::string> seen;
  for (std::size_t size = 0; size < inner.size(); ++size) {
    tunnel_.inner.assign(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(size));
    const Bytes frame = make_frame(tunnel_);
    const Outcome outcome = runner_.run(frame);
    seen.insert(outcome.reason);
    const bool has_header = size >= ip_length(tunnel_.inner_family);
    EXPECT_EQ(outcome.reason, has_header ? "inner_length" : "truncated") << size;
    EXPECT_EQ(outcome.passed, !has_header) << size;
    EXPECT_EQ(outcome.bytes, frame) << size;
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST_P(EveryTunnel, ATunnelHeaderCutAnywherePassesUntouched) {
  const Bytes header = tunnel_header(tunnel_);
  tunnel_.inner.clear();
  for (std::size_t size = 0; size < header.size(); ++size) {
    const Bytes frame =
        make_frame(tunnel_, {header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size)});
    const Outcome outcome = runner_.run(frame);
    const std::set<std::string> allowed{"truncated", "not_tunnel", "outer_header"};
    EXPECT_TRUE(outcome.passed) << size;
    EXPECT_EQ(allowed.count(outcome.reason), 1U) << size << " bytes: " << outcome.reason;
    EXPECT_EQ(outcome.bytes, frame) << size;
  }
}

TEST_P(EveryTunnel, IsLeftAloneWhenSwitchedOff) {
  Settings settings = test_settings();
  const Kind kind = std::get<0>(GetParam());
  if (kind == Kind::kIpip) settings.tunnels.ipip = false;
  if (kind == Kind::kGre || kind == Kind::kGreKey) settings.tunnels.gre = false;
  if (kind == Kind::kGue0 || kind == Kind::kGue1) settings.tunnels.gue = false;
  if (kind == Kind::kVxlan) settings.tunnels.vxlan = false;
  Runner runner(settings);
  const Bytes frame = make_frame(tunnel_);
  const Outcome outcome = runner.run(frame);
  EXPECT_EQ(outcome.reason, "not_tunnel");
  EXPECT_TRUE(outcome.passed);
  EXPECT_EQ(outcome.bytes, frame);
}

/// RFC 6040, figure 4, as it is printed: [inner][outer], -1 is "drop".
constexpr int kEcn[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

TEST_P(EveryTunnel, CombinesEcnAsRfc6040Says) {
  for (unsigned inner = 0; inner < 4; ++inner)
    for (unsigned outer = 0; outer < 4; ++outer) {
      tunnel_.ecn = outer;
      tunnel_.inner = make_inner({.family = tunnel_.inner_family, .ecn = inner});
      const Bytes frame = make_frame(tunnel_);
      const Outcome outcome = runner_.run(frame);
      const int after = kEcn[inner][outer];
      SCOPED_TRACE("inner " + std::to_string(inner) + ", outer " + std::to_string(outer));
      if (after < 0) {
        EXPECT_EQ(outcome.reason, "inner_ecn");
        EXPECT_FALSE(outcome.passed);
        continue;
      }
      // The builder computes the checksum anew: it has to be the same.
      const Bytes expected =
          make_inner({.family = tunnel_.inner_family, .ecn = static_cast<unsigned>(after)});
      EXPECT_EQ(outcome.bytes, decapsulated(frame, expected, tunnel_.inner_family));
    }
}

TEST_P(EveryTunnel, OneLevelIsEndedAndNoMore) {
  // The inner packet, for the VIP, is itself a tunnel packet from the director.
  Tunnel inside = tunnel_;
  inside.outer = tunnel_.inner_family;
  inside.source = kClient[index_of(inside.outer)];
  inside.destination = kVip[index_of(inside.outer)];
  const Bytes inside_frame = make_frame(inside);
  tunnel_.inner.assign(inside_frame.begin() + kEthernetLength, inside_frame.end());
  const Bytes frame = make_frame(tunnel_);
  const Outcome outcome = runner_.run(frame);
  EXPECT_EQ(outcome.reason, "decapsulated");
  EXPECT_EQ(outcome.bytes, decapsulated(frame, tunnel_.inner, tunnel_.inner_family));
}

TEST_P(EveryTunnel, DirtyBytesNeverTouchMoreThanTheyMay) {
  std::mt19937 random(20240612);
  const Bytes whole = make_frame(tunnel_);
  int cut = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes frame = whole;
    for (unsigned i = 0; i <= random() % 4; ++i)
      frame[kEthernetLength - 2 + random() % (frame.size() - kEthernetLength + 2)] =
          static_cast<std::uint8_t>(random());
    if (frame[12] == 8 && frame[14] == 0x45 && random() % 2 == 0) fix_ipv4_checksum(frame, 14);
    const Outcome outcome = runner_.run_uncounted(frame);
    if (outcome.bytes.size() == frame.size()) {
      EXPECT_EQ(outcome.bytes, frame);
      continue;
    }
    ++cut;
    // The addresses outside stayed, and the rest is the frame's end but for an ECN field.
    EXPECT_TRUE(outcome.passed);
    ASSERT_LT(outcome.bytes.size(), frame.size());
    EXPECT_TRUE(std::equal(outcome.bytes.begin(), outcome.bytes.begin() + 12, frame.begin()));
    const auto rest = static_cast<std::ptrdiff_t>(outcome.bytes.size() - kEthernetLength);
    EXPECT_TRUE(std::equal(outcome.bytes.begin() + kEthernetLength + 12, outcome.bytes.end(),
                           frame.end() - rest + 12));
  }
  EXPECT_GT(cut, 100) << "hardly any packet was good enough to get through";
}

/// A case: what is changed about a good packet, and what becomes of it.
struct Case {
  const char* what;
  Bytes frame;
  const char* reason;
};

Bytes with_byte(Bytes bytes, std::size_t offset, unsigned value) {
  bytes.at(offset) = static_cast<std::uint8_t>(value);
  return bytes;
}

Bytes tunnel_with_inner_source(int family, const std::string& source) {
  Tunnel tunnel = make_tunnel(Kind::kIpip, 4, family);
  tunnel.inner = make_inner({.family = family, .source = source});
  return make_frame(tunnel);
}

/// A good packet of a kind with one byte of the tunnel header (behind UDP, if any) changed.
Bytes with_header_byte(Kind kind, std::size_t offset, unsigned value) {
  const Tunnel tunnel = make_tunnel(kind, 6, 4);
  const bool is_udp = kind == Kind::kGue0 || kind == Kind::kGue1 || kind == Kind::kVxlan;
  return make_frame(tunnel, with_byte(tunnel_header(tunnel), offset + (is_udp ? 8 : 0), value));
}

Bytes with_extensions(int first_header, const Bytes& extensions) {
  Tunnel tunnel = make_tunnel(Kind::kIpip, 6, 4);
  tunnel.ipv6_first_header = first_header;
  tunnel.ipv6_extensions = extensions;
  return make_frame(tunnel);
}

std::vector<Case> outer_cases() {
  const Bytes ipip = make_frame(make_tunnel(Kind::kIpip, 4, 4));
  const Bytes ipip6 = make_frame(make_tunnel(Kind::kIpip, 6, 4));
  const Bytes vxlan = make_frame(make_tunnel(Kind::kVxlan, 4, 4));
  const auto outer = [](auto member, int family, const std::string& value) {
    Tunnel tunnel = make_tunnel(Kind::kGre, family, 4);
    tunnel.*member = value;
    return make_frame(tunnel);
  };
  Tunnel fragment = make_tunnel(Kind::kVxlan, 4, 4);
  fragment.fragment = 0x2000;
  Tunnel last_fragment = make_tunnel(Kind::kIpip, 4, 4);
  last_fragment.fragment = 185;
  Tunnel foreign_fragment = fragment;
  foreign_fragment.source = "192.0.2.2";
  Tunnel options = make_tunnel(Kind::kGre, 4, 4);
  options.ipv4_options = {1, 1, 1, 0};
  Tunnel other_port = make_tunnel(Kind::kVxlan, 4, 4);
  other_port.vxlan_port = 4790;
  Bytes bad_length = with_byte(ipip, 14 + 3, 0xff);
  fix_ipv4_checksum(bad_length, 14);
  return {
      {"ARP", with_byte(with_byte(ipip, 12, 8), 13, 6), "not_tunnel"},
      {"VLAN tag", with_byte(with_byte(ipip, 12, 0x81), 13, 0), "not_tunnel"},
      {"Ethernet multicast", with_byte(ipip, 0, 1), "not_tunnel"},
      {"TCP", with_byte(ipip, 14 + 9, 6), "not_tunnel"},
      {"UDP to another port", make_frame(other_port), "not_tunnel"},
      {"outer source, IPv4", outer(&Tunnel::source, 4, "192.0.2.2"), "source_not_allowed"},
      {"outer source, IPv6", outer(&Tunnel::source, 6, "2001:db8::2"), "source_not_allowed"},
      {"outer destination, IPv4", outer(&Tunnel::destination, 4, "10.0.0.12"), "not_own_address"},
      {"outer destination, IPv6", outer(&Tunnel::destination, 6, "2001:db8:b::12"),
       "not_own_address"},
      {"outer destination of another device", outer(&Tunnel::destination, 4, kOtherDevice),
       "not_own_address"},
      {"first fragment, UDP", make_frame(fragment), "outer_fragment"},
      {"last fragment, IPIP", make_frame(last_fragment), "outer_fragment"},
      {"fragment of somebody else", make_frame(foreign_fragment), "not_tunnel"},
      {"IPv6 fragment", with_extensions(44, {4, 0, 0, 1, 0, 0, 0, 9}), "outer_fragment"},
      {"IPv4 options", make_frame(options), "outer_options"},
      {"hop-by-hop options", with_extensions(0, {4, 0, 5, 2, 0, 0, 1, 0}), "outer_options"},
      {"other destination options", with_extensions(60, {4, 0, 5, 2, 0, 0, 1, 0}), "outer_options"},
      {"routing header", with_extensions(43, {4, 0, 4, 0, 0, 0, 0, 0}), "outer_options"},
      {"encapsulation limit and more",
       with_extensions(60, {4, 1, 4, 1, 4, 1, 1, 0, 1, 6, 0, 0, 0, 0, 0, 0}), "outer_options"},
      {"encapsulation limit", with_extensions(60, {4, 0, 4, 1, 4, 1, 1, 0}), "decapsulated"},
      {"outer version, IPv4", with_byte(ipip, 14, 0x65), "outer_header"},
      {"outer version, IPv6", with_byte(ipip6, 14, 0x4b), "outer_header"},
      {"outer checksum", with_byte(ipip, 14 + 10, ipip[24] ^ 1u), "outer_header"},
      {"outer length, IPv4", bad_length, "outer_header"},
      {"outer length, IPv6", with_byte(ipip6, 14 + 5, 0xff), "outer_header"},
      {"UDP length too large", with_byte(vxlan, 34 + 4, 1), "outer_header"},
      {"UDP length too small", with_byte(vxlan, 34 + 5, 7), "outer_header"},
      {"UDP ends before VXLAN", with_byte(vxlan, 34 + 5, 29), "truncated"},
  };
}

std::vector<Case> tunnel_cases() {
  Tunnel mismatch = make_tunnel(Kind::kIpip, 4, 4);
  mismatch.inner = make_inner({6});
  return {
      {"GRE checksum", with_header_byte(Kind::kGre, 0, 0x80), "gre_flags"},
      {"GRE routing", with_header_byte(Kind::kGre, 0, 0x40), "gre_flags"},
      {"GRE sequence number", with_header_byte(Kind::kGre, 0, 0x10), "gre_flags"},
      {"GRE version 1", with_header_byte(Kind::kGre, 1, 1), "gre_flags"},
      {"GRE bits that RFC 2784 says to ignore", with_header_byte(Kind::kGre, 1, 0x78),
       "decapsulated"},
      {"GRE with Ethernet inside", with_header_byte(Kind::kGre, 2, 0x65), "inner_protocol"},
      {"GUE control message", with_header_byte(Kind::kGue0, 0, 0x20), "gue_header"},
      {"GUE optional fields", with_header_byte(Kind::kGue0, 0, 1), "gue_header"},
      {"GUE flags", with_header_byte(Kind::kGue0, 2, 0x80), "gue_header"},
      {"GUE variant 2", with_header_byte(Kind::kGue0, 0, 0x80), "gue_header"},
      {"GUE variant 1, no IP version", with_header_byte(Kind::kGue0, 0, 0x50), "gue_header"},
      {"GUE with TCP inside", with_header_byte(Kind::kGue0, 1, 6), "inner_protocol"},
      {"VXLAN without identifier", with_header_byte(Kind::kVxlan, 0, 0), "vxlan_flags"},
      {"VXLAN reserved bits are ignored", with_header_byte(Kind::kVxlan, 3, 0xff), "decapsulated"},
      {"VXLAN with ARP inside", with_header_byte(Kind::kVxlan, 21, 6), "inner_protocol"},
      {"IPv6 where IPv4 was promised", make_frame(mismatch), "inner_protocol"},
  };
}

std::vector<Case> inner_cases() {
  Tunnel other = make_tunnel(Kind::kIpip, 4, 4);
  other.inner = make_inner({.destination = "203.0.113.11"});
  Tunnel other6 = make_tunnel(Kind::kGue1, 4, 6);
  other6.inner = make_inner({.family = 6, .destination = "2001:db8:f::11"});
  Tunnel small_header = make_tunnel(Kind::kIpip, 4, 4);
  small_header.inner[0] = 0x44;
  Tunnel long_header = make_tunnel(Kind::kIpip, 4, 4);
  long_header.inner[0] = 0x4f;
  Tunnel ecn = make_tunnel(Kind::kIpip, 4, 4);
  ecn.ecn = 3;
  std::vector<Case> cases{
      {"another destination, IPv4", make_frame(other), "inner_not_vip"},
      {"another destination, IPv6", make_frame(other6), "inner_not_vip"},
      {"inner header too small", make_frame(small_header), "inner_length"},
      {"inner header longer than the packet", make_frame(long_header), "inner_length"},
      {"congestion outside", make_frame(ecn), "inner_ecn"},
  };
  for (const char* martian : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1",
                              "240.0.0.1", "255.255.255.255", "169.254.1.1"})
    cases.push_back({martian, tunnel_with_inner_source(4, martian), "inner_source_martian"});
  for (const char* martian :
       {"::", "::1", "::198.51.100.7", "::ffff:198.51.100.7", "fe80::1", "febf::1", "ff02::1"})
    cases.push_back({martian, tunnel_with_inner_source(6, martian), "inner_source_martian"});
  for (const char* own : {kBackend[0], kOtherDevice, kVip[0]})
    cases.push_back({own, tunnel_with_inner_source(4, own), "inner_source_own"});
  for (const char* own : {kBackend[1], kVip[1]})
    cases.push_back({own, tunnel_with_inner_source(6, own), "inner_source_own"});
  for (const char* near : {"1.0.0.1", "126.1.1.1", "223.255.255.255", "169.253.0.1"})
    cases.push_back({near, tunnel_with_inner_source(4, near), "decapsulated"});
  for (const char* near : {"0:0:0:0:1::1", "fec0::1", "fd00::1", "::1:0:0:1"})
    cases.push_back({near, tunnel_with_inner_source(6, near), "decapsulated"});
  return cases;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases = outer_cases();
  for (const auto& more : {tunnel_cases(), inner_cases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

TEST(Decap, EveryCaseHasItsReasonAndOnlyDecapsulationChangesBytes) {
  Runner runner;
  for (const Case& c : all_cases()) {
    const Outcome outcome = runner.run(c.frame);
    EXPECT_EQ(outcome.reason, c.reason) << c.what;
    const auto* reason = std::find_if(reasons().data(), reasons().data() + reasons().size(),
                                      [&](const Reason& r) { return r.name == c.reason; });
    EXPECT_EQ(outcome.passed, !reason->drops) << c.what;
    if (std::string(c.reason) != "decapsulated") {
      EXPECT_EQ(outcome.bytes, c.frame) << c.what;
    }
  }
}

TEST(Decap, EveryReasonHasACase) {
  std::set<std::string> seen{"not_cut"};  // the kernel refuses no cut that the checks let through
  for (const Case& c : all_cases()) seen.insert(c.reason);
  for (const Reason& reason : reasons())
    EXPECT_EQ(seen.count(std::string(reason.name)), 1U) << reason.name;
  EXPECT_EQ(seen.size(), reasons().size());
}

TEST(Decap, RandomFramesPassUntouched) {
  const Runner runner;
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    Bytes frame(kEthernetLength + random() % 120);
    for (auto& byte : frame) byte = static_cast<std::uint8_t>(random());
    frame[12] = round % 2 == 0 ? 0x08 : 0x86;
    frame[13] = round % 2 == 0 ? 0x00 : 0xdd;
    const Outcome outcome = runner.run_uncounted(frame);
    ASSERT_TRUE(outcome.passed);
    ASSERT_EQ(outcome.bytes, frame);
  }
  const Packets packets = runner.packets();
  EXPECT_EQ(std::accumulate(packets.begin(), packets.end(), std::uint64_t{0}), 20'000U);
}

TEST(Decap, APrefixOfOneFamilySaysNothingAboutTheOther) {
  Settings settings = test_settings();
  settings.from = {*parse_prefix("0.0.0.0/0")};
  settings.vips = {*parse_prefix("2001:db8:f::/48")};
  Runner runner(settings);
  EXPECT_EQ(runner.run(make_frame(make_tunnel(Kind::kGre, 6, 6))).reason, "source_not_allowed");
  EXPECT_EQ(runner.run(make_frame(make_tunnel(Kind::kGre, 4, 4))).reason, "inner_not_vip");
  EXPECT_EQ(runner.run(make_frame(make_tunnel(Kind::kGre, 4, 6))).reason, "decapsulated");
}

TEST(Decap, PortsAreSettings) {
  Settings settings = test_settings();
  settings.gue_port = 6081;
  settings.vxlan_port = 8472;
  Runner runner(settings);
  for (const Kind kind : {Kind::kGue0, Kind::kVxlan}) {
    Tunnel tunnel = make_tunnel(kind, 4, 4);
    EXPECT_EQ(runner.run(make_frame(tunnel)).reason, "not_tunnel");
    tunnel.gue_port = 6081;
    tunnel.vxlan_port = 8472;
    EXPECT_EQ(runner.run(make_frame(tunnel)).reason, "decapsulated");
  }
}

TEST(Decap, SettingsAreReadBackAsTheyWereSet) {
  Settings settings = test_settings();
  settings.from.push_back(*parse_prefix("10.0.0.0/8"));
  settings.tunnels.gre = false;
  settings.gue_port = 1234;
  settings.host.push_back(*IpAddress::parse(kVip[0]));
  std::sort(settings.from.begin(), settings.from.end());
  std::sort(settings.host.begin(), settings.host.end());
  const Runner runner(settings);
  const auto read = read_settings(runner.program());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, settings);
}

TEST(Decap, TheVerifierWalksFewInstructions) {
  const Runner runner;
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  ASSERT_EQ(bpf_obj_get_info_by_fd(runner.program(), &info, &length), 0);
  std::printf("decapsulator: %u instructions, %u walked by the verifier\n",
              info.xlated_prog_len / 8, info.verified_insns);
  EXPECT_GT(info.xlated_prog_len / 8, 300U) << "most of it was removed as dead code";
  EXPECT_LT(info.verified_insns, 50'000U);
}

}  // namespace
}  // namespace guideway::decap::test
