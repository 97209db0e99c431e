// SPDX-License-Identifier: Apache-2.0
// Packets, looked at by others than those who made them: the core's parser, and tests/support's
// sum.
#include "packet.h"

#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/parse.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <tuple>

#include "small_run.h"
#include "tunnels.h"

namespace guideway::pktgen::test {
namespace {

using guideway::test::internet_sum;

using PacketKind = std::tuple<std::string, Protocol, Size>;

class Packets : public testing::TestWithParam<PacketKind> {
 protected:
  RunSpec spec() const {
    return {.vip = std::get<0>(GetParam()),
            .protocol = std::get<1>(GetParam()),
            .size = std::get<2>(GetParam())};
  }
  bool is_ipv4() const { return std::get<0>(GetParam()).find(':') == std::string::npos; }
};

/// Of addresses, length and protocol, then the segment itself.
std::uint16_t pseudo_sum(const Bytes& packet, std::size_t header_length, std::uint8_t protocol) {
  const std::size_t addresses = header_length == 20 ? 12 : 8;
  Bytes covered(packet.begin() + static_cast<std::ptrdiff_t>(addresses), packet.end());
  const std::size_t length = packet.size() - header_length;
  return internet_sum(covered, static_cast<std::uint32_t>(length) + protocol);
}

TEST_P(Packets, AreWhatTheCoreAcceptsWithRightChecksums) {
  const SmallRun run(spec());
  for (std::uint32_t flow = 0; flow < 200; flow++) {
    for (const TcpFlags flags : {kSyn, kPushAck}) {
      const Bytes frame = run.sent(Step{{flow, flow * 77}, flags});
      gw_work work;
      ASSERT_EQ(gw_parse(frame.data(), frame.data() + frame.size(), &work), GW_GO_ON);
      EXPECT_EQ(work.l4_reason, GW_GO_ON);
      EXPECT_EQ(work.ttl, 64);
      EXPECT_EQ(work.protocol, static_cast<std::uint8_t>(spec().protocol));
      if (spec().protocol == Protocol::kTcp) {
        EXPECT_EQ(work.tcp_flags, flags);
      }
      const Flow expected = run.flows().flow(flow);
      EXPECT_EQ(gw_swap16(static_cast<std::uint16_t>(work.ports)), expected.source_port);
      EXPECT_EQ(std::memcmp(work.source, expected.source.bytes().data(), expected.source.size()),
                0);
      const Bytes packet = ip_packet_of(frame);
      const std::size_t header_length = is_ipv4() ? 20 : 40;
      if (is_ipv4()) {
        EXPECT_EQ(internet_sum(std::span(packet).first(20)), 0xffff);
      }
      EXPECT_EQ(pseudo_sum(packet, header_length, work.protocol), 0xffff);
    }
  }
}

TEST_P(Packets, CarryTheirMark) {
  const SmallRun run(spec());
  for (const Mark mark : {Mark{0, 0}, Mark{999, 0xffffffff}, Mark{kMostFlows - 1, 12}}) {
    const Bytes packet = ip_packet_of(run.sent(Step{mark, kPushAck}));
    const std::uint8_t* segment = packet.data() + (is_ipv4() ? 20 : 40);
    EXPECT_EQ(read_mark(segment, spec().protocol, spec().seed), mark);
    EXPECT_EQ(read_mark(segment, spec().protocol, spec().seed + 1), std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Packets,
                         testing::Combine(testing::Values("203.0.113.10", "2001:db8:203::10"),
                                          testing::Values(Protocol::kTcp, Protocol::kUdp),
                                          testing::Values(Size::k64, Size::kImix, Size::kMtu)));

/// A UDP checksum that comes out as 0 is sent as 0xffff: 0 would mean that there is none (RFC 768).
TEST(UdpChecksum, IsNeverZero) {
  const SmallRun run({.protocol = Protocol::kUdp});
  std::uint32_t checksum = 0;
  // One packet of 65,535 comes out so; these contain some.
  for (std::uint32_t sequence = 0; sequence < 1'000'000 && checksum != 0xffff; sequence++) {
    const Bytes frame = run.sent(1, sequence);
    checksum = load_be16(&frame[kEthernetLength + 20 + 6]);
    ASSERT_NE(checksum, 0u);
  }
  EXPECT_EQ(checksum, 0xffffu);
}

TEST(FrameSizes, AreThoseAskedFor) {
  // Without the four bytes of Ethernet's checksum.
  EXPECT_EQ(SmallRun({.size = Size::k64}).sent(0, 1).size(), 60u);
  EXPECT_EQ(SmallRun({.protocol = Protocol::kUdp, .size = Size::k64}).sent(0, 1).size(), 60u);
  EXPECT_EQ(SmallRun({.size = Size::kMtu}).sent(0, 1).size(), 1514u);
  // IPv6 headers and the mark do not fit 64 bytes.
  EXPECT_EQ(SmallRun({.vip = "2001:db8:203::10"}).sent(0, 1).size(), 74u);
  EXPECT_EQ(SmallRun({.vip = "2001:db8:203::10", .protocol = Protocol::kUdp}).sent(0, 1).size(),
            72u);
}

TEST(FrameSizes, ImixIsSevenToFourToOne) {
  const SmallRun run({.size = Size::kImix});
  std::map<std::size_t, int> counts;
  for (std::uint32_t i = 0; i < 12'000; i++) counts[run.sent(i % 100, i).size()]++;
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_NEAR(counts[60], 7000, 5 * 54);
  EXPECT_NEAR(counts[590], 4000, 5 * 52);
  EXPECT_NEAR(counts[1514], 1000, 5 * 31);
}

TEST(FrameSizes, ASynIsAsShortAsItsHeaders) {
  const SmallRun run({.size = Size::kMtu});
  const Bytes frame = run.sent(Step{{5, 0}, kSyn});
  EXPECT_EQ(frame.size(), 60u);  // padded
  EXPECT_EQ(ip_packet_of(frame).size(), 40u);
}

}  // namespace
}  // namespace guideway::pktgen::test
