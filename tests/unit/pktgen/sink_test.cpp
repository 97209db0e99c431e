// SPDX-License-Identifier: Apache-2.0
// What the sink concludes from packets that are all right in themselves.
#include "sink.h"

#include <gtest/gtest.h>

#include "report.h"
#include "small_run.h"

namespace guideway::pktgen::test {
namespace {

TEST(Sink, CountsEachPacketForItsBackend) {
  SmallRun run;
  for (std::uint32_t i = 0; i < 300; i++) {
    run.sink().take(forwarded(run.sent(i % 100, i / 100), static_cast<std::uint8_t>(i % 2 + 1)));
  }
  EXPECT_EQ(run.counts().received.get(), 300u);
  EXPECT_EQ(run.counts().flows_seen.get(), 100u);
  EXPECT_EQ(run.counts().flows_moved.get(), 0u);
  EXPECT_EQ(run.counts().corrupt.get(), 0u);
  ASSERT_EQ(run.sink().backends().size(), 2u);
  const BackendTotals& first = run.sink().backends()[0];
  EXPECT_EQ(first.key.to_string(), "02:00:00:00:01:01");
  EXPECT_STREQ(name_of(first.key.tunnel), "l2dsr");
  EXPECT_EQ(first.packets, 150u);
  EXPECT_EQ(first.flows, 50u);
}

TEST(Sink, FindsAFlowThatMoved) {
  SmallRun run;
  run.sink().take(forwarded(run.sent(3, 0), 1));
  run.sink().take(forwarded(run.sent(4, 0), 1));
  run.sink().take(forwarded(run.sent(3, 1), 2));
  run.sink().take(forwarded(run.sent(3, 2), 1));
  run.sink().take(forwarded(run.sent(4, 1), 1));
  EXPECT_EQ(run.counts().flows_moved.get(), 1u);
  EXPECT_EQ(run.counts().moves.get(), 2u);
  EXPECT_EQ(run.counts().received.get(), 5u);
}

TEST(Sink, FindsADuplicate) {
  SmallRun run;
  for (const std::uint32_t sequence : {0u, 1u, 2u, 1u}) {
    run.sink().take(forwarded(run.sent(9, sequence)));
  }
  EXPECT_EQ(run.counts().duplicates.get(), 1u);
  EXPECT_EQ(run.counts().received.get(), 3u);
  EXPECT_EQ(run.counts().late.get(), 0u);
}

TEST(Sink, FindsALatePacket) {
  SmallRun run;
  for (const std::uint32_t sequence : {0u, 2u, 1u}) {
    run.sink().take(forwarded(run.sent(9, sequence)));
  }
  EXPECT_EQ(run.counts().late.get(), 1u);
  EXPECT_EQ(run.counts().duplicates.get(), 0u);
  EXPECT_EQ(run.counts().received.get(), 3u);
}

TEST(Sink, ADuplicateDoesNotHideALostPacket) {
  SmallRun run;
  for (const std::uint32_t sequence : {0u, 1u, 1u, 3u}) {  // 2 is lost
    run.sink().take(forwarded(run.sent(9, sequence)));
  }
  EXPECT_EQ(lost(Report{.sent = 4}, run.counts()), 1u);
}

TEST(Sink, LeavesItsOwnPacketsOnTheirWayOut) {
  SmallRun run;
  run.sink().take(run.sent(1, 0));
  EXPECT_EQ(run.counts().outgoing.get(), 1u);
  EXPECT_EQ(run.counts().received.get(), 0u);
}

TEST(Sink, LeavesWhatIsNotOurs) {
  SmallRun run;
  guideway::test::FrameSpec other;  // to our VIP, from somebody else
  run.sink().take(guideway::test::make_frame(other));
  other.source = {198, 18, 3, 4};  // from a client of ours, but to another VIP
  other.destination = {203, 0, 113, 11};
  run.sink().take(guideway::test::make_frame(other));
  Bytes arp(60);
  arp[12] = 0x08;
  arp[13] = 0x06;
  run.sink().take(arp);
  run.sink().take({});
  EXPECT_EQ(run.counts().foreign.get(), 4u);
  EXPECT_EQ(run.counts().corrupt.get(), 0u);
}

TEST(Sink, APacketOfAnotherRunIsNotOneOfThis) {
  SmallRun run({.seed = 7});
  const SmallRun other({.seed = 8});
  run.sink().take(forwarded(other.sent(1, 0)));
  EXPECT_EQ(run.counts().received.get(), 0u);
  EXPECT_TRUE(run.counts().faults[static_cast<std::size_t>(Fault::kMark)].get() == 1);
}

TEST(Sink, AFlowBeyondThoseOfTheRunIsNotRemembered) {
  SmallRun run({.flows = 1000});
  run.sink().take(forwarded(run.sent(1000, 0)));
  EXPECT_EQ(run.counts().received.get(), 0u);
  EXPECT_EQ(run.counts().corrupt.get(), 1u);
}

}  // namespace
}  // namespace guideway::pktgen::test
