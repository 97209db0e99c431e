// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace guideway::pktgen {
namespace {

using Packet = std::pair<std::uint32_t, TcpFlags>;  // sequence, flags

/// By flow, in the order in which they are sent.
std::map<std::uint32_t, std::vector<Packet>> packets_of(Traffic traffic, std::uint32_t flows,
                                                        std::uint64_t count) {
  const TrafficPattern pattern({.traffic = traffic, .flows = flows});
  std::map<std::uint32_t, std::vector<Packet>> packets;
  for (std::uint64_t i = 0; i < count; i++) {
    const Step step = pattern.step(i);
    packets[step.mark.flow].emplace_back(step.mark.sequence, step.flags);
  }
  return packets;
}

/// Whether each flow numbers its packets from 0 on without a gap: what "in order" means to the
/// sink.
bool are_numbered(const std::map<std::uint32_t, std::vector<Packet>>& packets) {
  for (const auto& [flow, list] : packets) {
    for (std::size_t i = 0; i < list.size(); i++) {
      if (list[i].first != i) return false;
    }
  }
  return true;
}

TEST(TrafficPattern, NumbersThePacketsOfEachFlow) {
  for (const Traffic traffic : {Traffic::kSynFlood, Traffic::kAckFlood, Traffic::kNew,
                                Traffic::kConnections, Traffic::kEstablished, Traffic::kMixed}) {
    for (const std::uint32_t flows : {8u, 63u, 64u, 65u, 100u, 1000u}) {
      const auto packets = packets_of(traffic, flows, 20'000);
      EXPECT_TRUE(are_numbered(packets)) << static_cast<int>(traffic) << " with " << flows;
      EXPECT_LE(packets.rbegin()->first, flows - 1);
    }
  }
}

TEST(TrafficPattern, AFloodSendsOnePacketOverAndOverToAllFlowsInTurn) {
  for (const auto& [traffic, flags] :
       {std::pair(Traffic::kSynFlood, kSyn), std::pair(Traffic::kAckFlood, kAck)}) {
    const auto packets = packets_of(traffic, 100, 300);
    ASSERT_EQ(packets.size(), 100u);
    for (const auto& [flow, list] : packets) {
      EXPECT_EQ(list, (std::vector<Packet>{{0, flags}, {1, flags}, {2, flags}}));
    }
  }
}

TEST(TrafficPattern, EstablishedFlowsSendOneSynThenData) {
  const auto packets = packets_of(Traffic::kEstablished, 50, 150);
  ASSERT_EQ(packets.size(), 50u);
  for (const auto& [flow, list] : packets) {
    EXPECT_EQ(list, (std::vector<Packet>{{0, kSyn}, {1, kPushAck}, {2, kPushAck}}));
  }
}

TEST(TrafficPattern, NewFlowsConnectSendAndClose) {
  const auto packets = packets_of(Traffic::kNew, 640, 640 * 3);
  ASSERT_EQ(packets.size(), 640u);
  for (const auto& [flow, list] : packets) {
    EXPECT_EQ(list, (std::vector<Packet>{{0, kSyn}, {1, kPushAck}, {2, kFinAck}}));
  }
}

TEST(TrafficPattern, NewFlowsConnectAgainAfterTheLastOne) {
  for (const std::uint32_t flows : {1u, 3u, 70u}) {
    const auto packets = packets_of(Traffic::kNew, flows, 10'000);
    for (const auto& [flow, list] : packets) {
      for (const auto& [sequence, flags] : list) {
        EXPECT_EQ(flags, sequence % 3 == 0 ? kSyn : sequence % 3 == 1 ? kPushAck : kFinAck);
      }
    }
  }
}

TEST(TrafficPattern, AtMost64NewFlowsAreOpen) {
  const TrafficPattern pattern({.traffic = Traffic::kNew, .flows = 1000});
  std::set<std::uint32_t> open;
  for (std::uint64_t i = 0; i < 9000; i++) {
    const Step step = pattern.step(i);
    if (step.flags == kSyn) {
      EXPECT_TRUE(open.insert(step.mark.flow).second);
    }
    EXPECT_TRUE(open.count(step.mark.flow));
    if (step.flags == kFinAck) open.erase(step.mark.flow);
    EXPECT_LE(open.size(), 64u);
  }
}

TEST(TrafficPattern, ConnectionsShakeHandsSendAndClose) {
  const TrafficPattern pattern(
      {.traffic = Traffic::kConnections, .flows = 20, .side_by_side = 5, .data = 2});
  std::map<std::uint32_t, std::vector<TcpFlags>> flags;
  for (std::uint64_t i = 0; i < 20 * 6; i++) {
    const Step step = pattern.step(i);
    flags[step.mark.flow].push_back(step.flags);
  }
  ASSERT_EQ(flags.size(), 20u);
  for (const auto& [flow, list] : flags) {
    EXPECT_EQ(list, (std::vector<TcpFlags>{kSyn, kAck, kPushAck, kPushAck, kFinAck, kAck}));
  }
}

TEST(TrafficPattern, ConnectionsMayHaveNoData) {
  const TrafficPattern pattern(
      {.traffic = Traffic::kConnections, .flows = 1, .side_by_side = 1, .data = 0});
  std::vector<TcpFlags> flags;
  for (std::uint64_t i = 0; i < 5; i++) flags.push_back(pattern.step(i).flags);
  EXPECT_EQ(flags, (std::vector<TcpFlags>{kSyn, kAck, kFinAck, kAck, kSyn}));
}

TEST(TrafficPattern, OnlyFlowsThatLiveToTheEndAreEstablished) {
  const auto established = [](Traffic traffic) {
    return TrafficPattern({.traffic = traffic, .flows = 80}).established_flows();
  };
  EXPECT_EQ(established(Traffic::kEstablished), 80u);
  EXPECT_EQ(established(Traffic::kMixed), 60u);
  EXPECT_EQ(established(Traffic::kNew), 0u);
  EXPECT_EQ(established(Traffic::kConnections), 0u);
  EXPECT_EQ(established(Traffic::kSynFlood), 0u);
  EXPECT_EQ(established(Traffic::kAckFlood), 0u);
}

TEST(TrafficPattern, MixedTrafficHasAllThreeKindsOnTheirOwnFlows) {
  const std::uint64_t count = 16'000;
  const auto packets = packets_of(Traffic::kMixed, 800, count);
  std::uint64_t established = 0;
  std::uint64_t short_lived = 0;
  std::uint64_t flood = 0;
  for (const auto& [flow, list] : packets) {
    (flow < 600 ? established : flow < 700 ? short_lived : flood) += list.size();
  }
  EXPECT_EQ(established, count * 12 / 16);
  EXPECT_EQ(short_lived, count * 3 / 16);
  EXPECT_EQ(flood, count / 16);
}

}  // namespace
}  // namespace guideway::pktgen
