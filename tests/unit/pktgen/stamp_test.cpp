// SPDX-License-Identifier: Apache-2.0
// Stamps, and what is between generator and sink if it does not route.
#include <gtest/gtest.h>

#include <array>

#include "small_run.h"

namespace guideway::pktgen::test {
namespace {

constexpr std::uint64_t kSentNs = 0x1234'5678'9abc'def0;

TEST(Stamp, IsReadAsTimePassed) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    std::array<std::uint8_t, 40> segment{};
    write_stamp(segment.data(), protocol, kSentNs);
    EXPECT_EQ(ns_since_stamp(segment.data(), protocol, kSentNs + 1234), 1234u);
    EXPECT_EQ(ns_since_stamp(segment.data(), protocol, kSentNs - 5), 0u);
    EXPECT_EQ(ns_since_stamp(segment.data(), protocol, kSentNs + (1ull << 40)), 1ull << 40);
  }
}

TEST(Stamp, FitsTheSmallestFrameOfIpv4) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    SmallRun run({.protocol = protocol, .stamped = true});
    EXPECT_EQ(run.sent({{1, 1}, kPushAck}, kSentNs).size(), 60u);
    SmallRun six({.vip = "2001:db8::10", .protocol = protocol, .stamped = true});
    const unsigned shortest = 14 + 40 + (protocol == Protocol::kTcp ? 20 + 6 : 8 + 10 + 6);
    EXPECT_EQ(six.sent({{1, 1}, kPushAck}, kSentNs).size(), shortest);
  }
}

TEST(Stamp, OnlyDataThatIsRightAndNewIsTimed) {
  for (const char* vip : {"203.0.113.10", "2001:db8::10"}) {
    SmallRun run({.vip = vip, .stamped = true});
    const auto take = [&](const Bytes& frame, std::uint64_t after_ns) {
      run.sink().take(forwarded(frame), kSentNs + after_ns);
    };
    take(run.sent({{1, 0}, kSyn}, kSentNs), 10);
    take(run.sent({{1, 1}, kAck}, kSentNs), 20);
    EXPECT_EQ(run.sink().latency().count(), 0u);
    const Bytes data = run.sent({{1, 2}, kPushAck}, kSentNs);
    take(data, 100);
    take(data, 5000);  // again
    Bytes damaged = run.sent({{1, 3}, kPushAck}, kSentNs);
    damaged.back() ^= 1;
    take(damaged, 7000);
    EXPECT_EQ(run.sink().latency().count(), 1u) << vip;
    EXPECT_EQ(run.sink().latency().most(), 100u);
    EXPECT_EQ(run.counts().corrupt.get(), 1u);
    EXPECT_EQ(run.counts().duplicates.get(), 1u);
  }
}

TEST(Sink, PureAcksAreShort) {
  SmallRun run({.size = Size::kMtu});
  const Bytes ack = run.sent({{3, 1}, kAck});
  EXPECT_EQ(ack.size(), 60u);
  run.sink().take(forwarded(ack));
  run.sink().take(forwarded(run.sent({{3, 2}, kFinAck})));
  EXPECT_EQ(run.counts().corrupt.get(), 0u);
  EXPECT_EQ(run.counts().received.get(), 2u);
}

TEST(Sink, BehindABridgeNothingMayChange) {
  SmallRun run({.between = Between::kBridge});
  run.sink().take(run.sent(1, 0));
  EXPECT_EQ(run.counts().received.get(), 1u);
  EXPECT_EQ(run.counts().corrupt.get(), 0u);
  EXPECT_EQ(run.counts().outgoing.get(), 0u);
  run.sink().take(forwarded(run.sent(1, 1)));
  EXPECT_EQ(run.counts().faults[static_cast<std::size_t>(Fault::kTtl)].get(), 1u);
}

TEST(Sink, SaysByHowMuchAPacketIsLate) {
  SmallRun run;
  for (const std::uint32_t sequence : {0u, 10u, 3u, 9u})
    run.sink().take(forwarded(run.sent(1, sequence)));
  EXPECT_EQ(run.counts().late.get(), 2u);
  EXPECT_EQ(run.sink().late_by().most(), 7u);
  EXPECT_EQ(run.sink().late_by().least(), 1u);
}

}  // namespace
}  // namespace guideway::pktgen::test
