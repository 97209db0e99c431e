// SPDX-License-Identifier: Apache-2.0
// What gw_parse() reads out of a packet. What it makes of wrong ones is in the packet cases.
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "tests/support/frame.h"

namespace guideway::test {
namespace {

gw_work parse(const Bytes& bytes, gw_reason expected = GW_GO_ON) {
  const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  gw_work w;
  EXPECT_EQ(gw_parse(exact.get(), exact.get() + bytes.size(), &w), expected);
  return w;
}

TEST(Parse, ReadsIPv4) {
  const gw_work w =
      parse(make_frame({.source_port = 0x1234, .destination_port = 0x5678, .ttl = 9}));
  EXPECT_EQ(w.family, GW_FAMILY_4);
  EXPECT_EQ(w.protocol, GW_PROTO_TCP);
  EXPECT_EQ(w.ttl, 9);
  EXPECT_EQ(w.tcp_flags, GW_TCP_SYN);
  EXPECT_EQ(w.l3_offset, 14);
  EXPECT_EQ(w.l4_offset, 34);
  EXPECT_EQ(w.ip_length, 40u);
  EXPECT_EQ(w.frame_length, 54u);
  EXPECT_EQ(w.ports, std::uint32_t{gw_swap16(0x5678)} << 16 | gw_swap16(0x1234));
  EXPECT_EQ(gw_swap32(w.source[0]), 0xc0000207u);
  EXPECT_EQ(gw_swap32(w.destination[0]), 0xcb00710au);
  EXPECT_EQ(w.source[1] | w.source[2] | w.source[3], 0u);
}

TEST(Parse, ReadsIPv6) {
  FrameSpec spec = ipv6_spec();
  spec.protocol = GW_PROTO_UDP;
  spec.data_length = 5;
  const gw_work w = parse(make_frame(spec));
  EXPECT_EQ(w.family, GW_FAMILY_6);
  EXPECT_EQ(w.protocol, GW_PROTO_UDP);
  EXPECT_EQ(w.tcp_flags, 0);
  EXPECT_EQ(w.l4_offset, 54);
  EXPECT_EQ(w.ip_length, 53u);
  EXPECT_EQ(gw_swap32(w.source[0]), 0x20010db8u);
  EXPECT_EQ(gw_swap32(w.destination[3]), 0x10u);
}

/// Frames of no bytes and of one: nothing to read.
TEST(Parse, TakesTheShortestFrames) {
  parse({}, GW_REASON_TOO_SHORT);
  parse({0x02}, GW_REASON_TOO_SHORT);
}

/// A longest chain still ends: six headers of the largest size in a frame of 12 KB.
TEST(Parse, FollowsTheLargestChain) {
  Bytes bytes = make_frame(ipv6_spec());
  const Bytes upper(bytes.begin() + 54, bytes.end());
  bytes.resize(54);
  bytes[20] = 60;
  for (int i = 0; i < GW_MAX_IPV6_EXTENSIONS; ++i) {
    Bytes header(2048);
    header[0] = i + 1 < GW_MAX_IPV6_EXTENSIONS ? 60 : GW_PROTO_TCP;
    header[1] = 255;
    bytes.insert(bytes.end(), header.begin(), header.end());
  }
  bytes.insert(bytes.end(), upper.begin(), upper.end());
  const std::size_t payload = bytes.size() - 54;
  bytes[18] = static_cast<std::uint8_t>(payload >> 8);
  bytes[19] = static_cast<std::uint8_t>(payload);
  EXPECT_EQ(parse(bytes).l4_offset, 54 + 6 * 2048);
}

TEST(Reasons, EachHasAVerdictAndTheListIsWhole) {
  std::array<int, GW_VERDICT_COUNT> count{};
  for (int i = 0; i < GW_REASON_COUNT; ++i) count[gw_reason_verdict(static_cast<gw_reason>(i))]++;
  EXPECT_EQ(count[GW_FORWARD], 2);
  EXPECT_EQ(count[GW_REPLY], 5);
  EXPECT_EQ(count[GW_KERNEL] + count[GW_DROP], GW_REASON_COUNT - 7);
  EXPECT_EQ(gw_reason_verdict(GW_REASON_COUNT), GW_DROP);
}

}  // namespace
}  // namespace guideway::test
