// SPDX-License-Identifier: Apache-2.0
// Damaged packets and tunnels of all kinds.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "small_run.h"
#include "tests/support/rounds.h"
#include "tunnels.h"

namespace guideway::pktgen::test {
namespace {

constexpr std::size_t kIp = kEthernetLength;
constexpr std::size_t kSegment = kIp + 20;

/// The faults that a fresh sink finds in one frame, as their names.
std::string faults_of(const RunSpec& spec, const Bytes& frame) {
  SmallRun run(spec);
  run.sink().take(frame);
  std::string text;
  for (std::size_t i = 0; i < kFaultCount; i++) {
    if (run.counts().faults[i].get() != 0) text += std::string(kFaultNames[i]) + " ";
  }
  return text;
}

Bytes good_frame() { return forwarded(SmallRun().sent(5, 1)); }

TEST(Faults, AGoodFrameHasNone) { EXPECT_EQ(faults_of({}, good_frame()), ""); }

TEST(Faults, ATtlThatWasNotDecremented) {
  Bytes frame = good_frame();
  frame[kIp + 8]++;
  fix_ipv4_checksum(frame);
  EXPECT_EQ(faults_of({}, frame), "ttl ");
  frame[kIp + 8] = 62;
  fix_ipv4_checksum(frame);
  EXPECT_EQ(faults_of({}, frame), "ttl ");
}

TEST(Faults, AHopLimitThatWasNotDecremented) {
  const RunSpec spec{.vip = "2001:db8:203::10"};
  Bytes frame = forwarded(SmallRun(spec).sent(5, 1));
  EXPECT_EQ(faults_of(spec, frame), "");
  frame[kIp + 7]++;
  EXPECT_EQ(faults_of(spec, frame), "ttl ");
}

TEST(Faults, AWrongIpChecksum) {
  Bytes frame = good_frame();
  frame[kIp + 10] ^= 1;
  EXPECT_EQ(faults_of({}, frame), "ip_checksum ");
}

TEST(Faults, AWrongSegmentChecksum) {
  Bytes frame = good_frame();
  frame[kSegment + 16] ^= 1;
  EXPECT_EQ(faults_of({}, frame), "segment_checksum ");
}

TEST(Faults, AChangedPayload) {
  const RunSpec spec{.size = Size::kMtu};
  Bytes frame = forwarded(SmallRun(spec).sent(5, 1));
  frame.back() ^= 0x80;
  EXPECT_EQ(faults_of(spec, frame), "segment_checksum ");
}

TEST(Faults, AnotherClientsAddress) {
  Bytes frame = good_frame();
  frame[kIp + 15] ^= 1;
  fix_ipv4_checksum(frame);
  EXPECT_EQ(faults_of({}, frame), "addresses segment_checksum ");
}

TEST(Faults, AnotherPort) {
  Bytes frame = good_frame();
  frame[kSegment + 3] ^= 1;
  EXPECT_EQ(faults_of({}, frame), "addresses segment_checksum ");
}

TEST(Faults, AnotherLength) {
  Bytes frame = good_frame();
  frame[kIp + 3] -= 2;
  fix_ipv4_checksum(frame);
  EXPECT_EQ(faults_of({}, frame), "length segment_checksum ");
  frame[kIp + 3] = 200;
  fix_ipv4_checksum(frame);
  EXPECT_EQ(faults_of({}, frame), "length ");
}

TEST(Faults, ADestroyedMark) {
  Bytes frame = good_frame();
  frame[kSegment + 14] ^= 1;
  EXPECT_EQ(faults_of({}, frame), "mark ");
}

TEST(Faults, IpOptions) {
  Bytes frame = good_frame();
  frame[kIp] = 0x46;
  EXPECT_EQ(faults_of({}, frame), "ip_header ");
}

using DamageKind = std::tuple<std::string, Protocol>;

class Damage : public testing::TestWithParam<DamageKind> {
 protected:
  RunSpec spec() const {
    return {.vip = std::get<0>(GetParam()), .protocol = std::get<1>(GetParam())};
  }
};

/// Nothing that is changed behind the MAC addresses passes for what was sent.
TEST_P(Damage, EveryFlippedBitIsNoticed) {
  const Bytes good = forwarded(SmallRun(spec()).sent(5, 1));
  SmallRun run(spec());
  for (std::size_t bit = 12 * 8; bit < good.size() * 8; bit++) {
    Bytes frame = good;
    frame[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const std::uint64_t before = run.counts().corrupt.get() + run.counts().foreign.get();
    run.sink().take(frame);
    ASSERT_EQ(run.counts().corrupt.get() + run.counts().foreign.get(), before + 1)
        << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST_P(Damage, EveryShorterFrameIsNoticed) {
  const Bytes good = forwarded(SmallRun(spec()).sent(5, 1));
  SmallRun run(spec());
  for (std::size_t length = 0; length < good.size(); length++) {
    // A buffer of its own, so that a sanitizer sees a byte read behind it.
    run.sink().take(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
    ASSERT_EQ(run.counts().corrupt.get() + run.counts().foreign.get(), length + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Damage,
                         testing::Combine(testing::Values("203.0.113.10", "2001:db8:203::10"),
                                          testing::Values(Protocol::kTcp, Protocol::kUdp)));

/// (name, outer family, VIP)
using TunnelKind = std::tuple<std::string, int, std::string>;

class Tunnels : public testing::TestWithParam<TunnelKind> {
 protected:
  RunSpec spec() const { return {.vip = std::get<2>(GetParam())}; }
  std::string kind() const { return std::get<0>(GetParam()); }
  int outer_family() const { return std::get<1>(GetParam()); }

  Bytes client_packet(std::uint32_t sequence = 1) const {
    return ip_packet_of(forwarded(SmallRun(spec()).sent(5, sequence)));
  }
  Outer outer(std::uint8_t protocol) const { return {outer_family(), protocol, 11}; }

  Bytes tunnelled(const Bytes& packet) const {
    const std::uint8_t inner = inner_protocol(packet);
    const Bytes type = ethertype(packet);
    if (kind() == "ipip") return in_ip(outer(inner), packet);
    if (kind() == "gre") return in_ip(outer(47), joined({0, 0}, joined(type, packet)));
    if (kind() == "gre-key") {
      const Bytes header = joined(joined({0x20, 0}, type), {1, 2, 3, 4});
      return in_ip(outer(47), joined(header, packet));
    }
    if (kind() == "gue") {
      return in_ip(outer(17), in_udp(6080, joined({0, inner, 0, 0}, packet)));
    }
    if (kind() == "gue-options") {
      return in_ip(outer(17), in_udp(6080, joined({1, inner, 0, 0, 9, 9, 9, 9}, packet)));
    }
    if (kind() == "gue-direct") return in_ip(outer(17), in_udp(6080, packet));
    const Bytes ethernet = joined({2, 0, 0, 0, 8, 1, 2, 0, 0, 0, 8, 2}, type);
    const Bytes header = joined({8, 0, 0, 0, 0, 0, 100, 0}, ethernet);
    return in_ip(outer(17), in_udp(4789, joined(header, packet)));
  }
};

TEST_P(Tunnels, TheBackendIsTheOuterDestination) {
  SmallRun run(spec());
  run.sink().take(tunnelled(client_packet()));
  EXPECT_EQ(run.counts().received.get(), 1u);
  EXPECT_EQ(run.counts().corrupt.get(), 0u);
  ASSERT_EQ(run.sink().backends().size(), 1u);
  const BackendKey& key = run.sink().backends()[0].key;
  EXPECT_EQ(key.to_string(), outer_family() == 4 ? "10.0.0.11" : "fd00::b");
  EXPECT_EQ(name_of(key.tunnel), kind().substr(0, kind().find('-')));
}

TEST_P(Tunnels, WhatIsInsideIsChecked) {
  SmallRun run(spec());
  Bytes packet = client_packet();
  packet.back() ^= 1;
  run.sink().take(tunnelled(packet));
  EXPECT_EQ(run.counts().corrupt.get(), 1u);
  EXPECT_EQ(run.counts().faults[static_cast<std::size_t>(Fault::kSegmentChecksum)].get(), 1u);
}

TEST_P(Tunnels, TheOuterIpv4ChecksumIsChecked) {
  if (outer_family() == 6) return;  // IPv6 has none
  SmallRun run(spec());
  Bytes frame = tunnelled(client_packet());
  frame[kIp + 10] ^= 1;
  run.sink().take(frame);
  EXPECT_EQ(run.counts().faults[static_cast<std::size_t>(Fault::kOuterIpChecksum)].get(), 1u);
}

TEST_P(Tunnels, AWrongTtlInsideIsFound) {
  SmallRun run(spec());
  Bytes packet = ip_packet_of(SmallRun(spec()).sent(5, 1));  // as sent
  run.sink().take(tunnelled(packet));
  EXPECT_EQ(run.counts().faults[static_cast<std::size_t>(Fault::kTtl)].get(), 1u);
}

TEST_P(Tunnels, NoShorterFrameIsReadBeyondItsEnd) {
  const Bytes good = tunnelled(client_packet());
  SmallRun run(spec());
  for (std::size_t length = 0; length < good.size(); length++) {
    run.sink().take(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  }
  EXPECT_EQ(run.counts().received.get(), 0u);
}

TEST_P(Tunnels, AnyByteMayBeAnything) {
  const Bytes good = tunnelled(client_packet());
  SmallRun run(spec());
  std::uint64_t taken = 0;
  const auto step = static_cast<unsigned>(guideway::test::rounds(5, 1));
  for (std::size_t at = 0; at < good.size(); at++) {
    for (unsigned value = 0; value < 256; value += step, taken++) {
      Bytes frame = good;
      frame[at] = static_cast<std::uint8_t>(value);
      run.sink().take(frame);
    }
  }
  const SinkCounts& counts = run.counts();
  EXPECT_LE(counts.received.get() + counts.duplicates.get() + counts.foreign.get(), taken);
  EXPECT_GE(
      counts.received.get() + counts.duplicates.get() + counts.foreign.get() + counts.corrupt.get(),
      taken);
}

INSTANTIATE_TEST_SUITE_P(All, Tunnels,
                         testing::Combine(testing::Values("ipip", "gre", "gre-key", "gue",
                                                          "gue-options", "gue-direct", "vxlan"),
                                          testing::Values(4, 6),
                                          testing::Values("203.0.113.10", "2001:db8:203::10")));

TEST(OuterUdp, AChecksumMayBeZeroOrRight) {
  const Bytes packet = ip_packet_of(good_frame());
  const Bytes datagram = in_udp(6080, packet);
  Bytes frame = in_ip({4, 17, 11}, datagram);
  EXPECT_EQ(faults_of({}, frame), "");
  const std::size_t udp = kIp + 20;
  Bytes covered(frame.begin() + kIp + 12, frame.end());
  const auto sum =
      guideway::test::internet_sum(covered, static_cast<std::uint32_t>(datagram.size()) + 17);
  frame[udp + 6] = static_cast<std::uint8_t>(~sum >> 8);
  frame[udp + 7] = static_cast<std::uint8_t>(~sum);
  EXPECT_EQ(faults_of({}, frame), "");
  frame[udp + 7] ^= 1;
  EXPECT_EQ(faults_of({}, frame), "outer_udp ");
}

TEST(OuterUdp, AWrongLengthIsFound) {
  Bytes frame = in_ip({4, 17, 11}, in_udp(6080, ip_packet_of(good_frame())));
  frame[kIp + 20 + 5] -= 1;
  EXPECT_EQ(faults_of({}, frame), "outer_udp ");
}

TEST(TunnelHeader, AVxlanFrameWithoutItsFlagIsFound) {
  const Bytes packet = ip_packet_of(good_frame());
  const Bytes inner = joined({2, 0, 0, 0, 8, 1, 2, 0, 0, 0, 8, 2, 8, 0}, packet);
  const Bytes frame = in_ip({4, 17, 11}, in_udp(4789, joined({0, 0, 0, 0, 0, 0, 100, 0}, inner)));
  EXPECT_EQ(faults_of({}, frame), "tunnel_header ");
}

TEST(TunnelHeader, ATunnelThatAnnouncesTheOtherFamilyIsFound) {
  const Bytes packet = ip_packet_of(good_frame());
  EXPECT_EQ(faults_of({}, in_ip({4, 41, 11}, packet)), "tunnel_header ");
  EXPECT_EQ(faults_of({}, in_ip({4, 47, 11}, joined({0, 0, 0x86, 0xdd}, packet))),
            "tunnel_header ");
}

}  // namespace
}  // namespace guideway::pktgen::test
