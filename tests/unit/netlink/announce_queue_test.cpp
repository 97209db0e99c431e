// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/announce_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guideway::netlink {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const IpAddress kVip = IpAddress::v4({203, 0, 113, 10});
const IpAddress kOther = IpAddress::v4({203, 0, 113, 11});
const AnnounceQueue::Time kStart{std::chrono::hours(7)};

TEST(AnnounceQueue, EachIsDueAtOnceAndAfterOneAndThreeSeconds) {
  AnnounceQueue queue;
  queue.add("a", kVip);
  for (const auto after : {seconds(0), seconds(1), seconds(3)}) {
    EXPECT_THAT(queue.due(kStart + after), ElementsAre(Pair("a", ElementsAre(kVip))));
    queue.sent("a", {kVip}, kStart + after);
    EXPECT_THAT(queue.due(kStart + after + milliseconds(999)), IsEmpty());
  }
  EXPECT_TRUE(queue.empty());
}

TEST(AnnounceQueue, WhatWasNotSentStaysDueOnThatInterfaceAlone) {
  AnnounceQueue queue;
  queue.add("a", kVip);
  queue.add("b", kVip);
  queue.sent("a", {kVip}, kStart);
  EXPECT_THAT(queue.due(kStart), ElementsAre(Pair("b", ElementsAre(kVip))));
  EXPECT_THAT(queue.due(kStart + seconds(100)),
              ElementsAre(Pair("a", ElementsAre(kVip)), Pair("b", ElementsAre(kVip))));
}

TEST(AnnounceQueue, AddedAgainItStartsAgain) {
  AnnounceQueue queue;
  queue.add("a", kVip);
  queue.sent("a", {kVip}, kStart);
  ASSERT_THAT(queue.due(kStart), IsEmpty());
  queue.add("a", kVip);
  EXPECT_THAT(queue.due(kStart), ElementsAre(Pair("a", ElementsAre(kVip))));
}

TEST(AnnounceQueue, WhatIsNoLongerOwnedIsNotAnnounced) {
  AnnounceQueue queue;
  queue.add("a", kVip);
  queue.add("a", kOther);
  queue.add("b", kOther);
  queue.keep_only({"a"}, {kOther});
  EXPECT_THAT(queue.due(kStart), ElementsAre(Pair("a", ElementsAre(kOther))));
  queue.sent("b", {kOther}, kStart);  // forgotten meanwhile: nothing happens
}

}  // namespace
}  // namespace guideway::netlink
