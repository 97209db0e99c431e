// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/route_queue.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "../../support/ip.h"

namespace guideway::netlink {
namespace {

using guideway::test::ip;
IpPrefix prefix(const std::string& text) { return IpPrefix::parse(text).value(); }

using Addresses = std::vector<IpAddress>;

class RouteQueueTest : public testing::Test {
 protected:
  RouteQueueTest() {
    queue.watch({a, b, c, d});
    queue.take(100);
  }

  const IpAddress a = ip("10.0.0.1");
  const IpAddress b = ip("10.0.1.1");
  const IpAddress c = ip("10.1.0.1");
  const IpAddress d = ip("2001:db8::1");
  RouteQueue queue;
};

TEST_F(RouteQueueTest, OnlyNewAddressesWait) {
  EXPECT_TRUE(queue.empty());
  const IpAddress added = ip("10.0.0.2");
  queue.watch({a, added});
  EXPECT_EQ(queue.take(100), Addresses{added});
}

TEST_F(RouteQueueTest, WaitingAddressStaysQueuedAcrossWatchUntilItIsDropped) {
  queue.prefix_changed(prefix("10.0.0.0/23"));
  queue.watch({a, c});
  EXPECT_EQ(queue.take(100), Addresses{a});
}

TEST_F(RouteQueueTest, PrefixConcernsTheAddressesInIt) {
  queue.prefix_changed(prefix("10.0.0.0/23"));
  EXPECT_EQ(queue.take(100), (Addresses{a, b}));
  queue.prefix_changed(prefix("10.0.0.9/15"));
  EXPECT_EQ(queue.take(100), (Addresses{a, b, c}));
  queue.prefix_changed(prefix("10.0.1.1/32"));
  EXPECT_EQ(queue.take(100), Addresses{b});
  queue.prefix_changed(prefix("192.0.2.0/24"));
  EXPECT_TRUE(queue.empty());
}

TEST_F(RouteQueueTest, DefaultRouteConcernsItsFamily) {
  queue.prefix_changed(prefix("0.0.0.0/0"));
  EXPECT_EQ(queue.take(100), (Addresses{a, b, c}));
  queue.prefix_changed(prefix("::/0"));
  EXPECT_EQ(queue.take(100), Addresses{d});
}

TEST_F(RouteQueueTest, ManyChangesQueueAnAddressOnce) {
  queue.all_changed();
  queue.prefix_changed(prefix("10.0.0.0/8"));
  queue.all_changed();
  EXPECT_EQ(queue.take(3), (Addresses{a, b, c}));
  EXPECT_EQ(queue.take(3), Addresses{d});
  EXPECT_TRUE(queue.empty());
}

TEST_F(RouteQueueTest, TurnsReachEveryAddressAndStartAgain) {
  queue.queue_in_turn(3);
  EXPECT_EQ(queue.take(100), (Addresses{a, b, c}));
  queue.queue_in_turn(2);
  EXPECT_EQ(queue.take(100), (Addresses{a, d}));
  queue.queue_in_turn(100);
  EXPECT_EQ(queue.take(100).size(), 4U);
}

TEST(RouteQueue, TurnOfNothingIsNothing) {
  RouteQueue queue;
  queue.queue_in_turn(5);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace guideway::netlink
