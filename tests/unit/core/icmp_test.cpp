// SPDX-License-Identifier: Apache-2.0
// ICMP where one packet does not show it: several shards, what stays untouched, and rates over
// time. What becomes of each single message is in tests/packet (echo, icmp_sent, icmp_passed).
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {
namespace {

constexpr std::uint32_t kRate = 1'000'000;  // of plain_config

/// Where the upper layer of a frame without tags and options begins.
std::size_t l4_of(const FrameSpec& spec) { return spec.family == GW_FAMILY_4 ? 34 : 54; }

/// `data` as ICMP from a router to the VIP of `flow`: a datagram of the same shape, renamed.
Bytes icmp_to_vip(const FrameSpec& flow, std::uint8_t type, std::uint8_t code, const Bytes& data) {
  FrameSpec carrier = flow;
  carrier.source[15] = carrier.source[3] = 254;
  carrier.protocol = GW_PROTO_UDP;
  carrier.data_length = static_cast<std::uint16_t>(data.size());
  Bytes frame = make_frame(carrier);
  const std::size_t l4 = l4_of(flow);
  if (flow.family == GW_FAMILY_4) {
    frame[23] = GW_PROTO_ICMP;
  } else {
    frame[20] = GW_PROTO_ICMPV6;
  }
  std::fill_n(frame.begin() + static_cast<std::ptrdiff_t>(l4), 8, std::uint8_t{0});
  frame[l4] = type;
  frame[l4 + 1] = code;
  std::copy(data.begin(), data.end(), frame.begin() + static_cast<std::ptrdiff_t>(l4 + 8));
  return frame;
}

/// "Port unreachable" about the first bytes of what the backend has sent to the client of `flow`.
Bytes error_about(const FrameSpec& flow) {
  FrameSpec answer = flow;
  std::swap(answer.source, answer.destination);
  std::swap(answer.source_port, answer.destination_port);
  const Bytes sent = make_frame(answer);
  const Bytes quote(sent.begin() + 14, sent.begin() + static_cast<std::ptrdiff_t>(l4_of(flow) + 8));
  const bool v4 = flow.family == GW_FAMILY_4;
  return icmp_to_vip(flow, v4 ? 3 : 1, v4 ? 3 : 4, quote);
}

Bytes ping(const FrameSpec& flow) {
  return icmp_to_vip(flow, flow.family == GW_FAMILY_4 ? 8 : 128, 0, {});
}

FrameSpec flow_of(int family, std::uint16_t port) {
  FrameSpec spec = family == 4 ? FrameSpec{} : ipv6_spec();
  spec.source_port = port;
  return spec;
}

class IcmpTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    // New flows take turns, so that a flow's backend is seldom its slot's.
    publish("round_robin");
  }
  void publish(const std::string& scheduler) {
    const model::Model model = make_model({.forwarding = "ipip", .scheduler = scheduler});
    ASSERT_TRUE(world_.publish(model, all_resolved(model)));
  }
  gw_outcome send(const Bytes& bytes, std::uint32_t shard = 0) {
    Frame frame(bytes);
    const gw_outcome outcome = world_.balance(frame, shard);
    EXPECT_TRUE(frame.is_inside_buffer());
    return outcome;
  }

  CoreWorld world_{{.buckets_per_shard = 256, .shards = 3}};
};

TEST_P(IcmpTest, AnErrorFindsItsFlowInEveryShardAndTouchesNothing) {
  for (std::uint16_t i = 0; i < 60; ++i) {
    const FrameSpec flow = flow_of(GetParam(), static_cast<std::uint16_t>(40000 + i));
    const std::uint16_t backend = send(make_frame(flow), i % 3u).backend;
    const auto before = world_.buckets();
    world_.set_now_s(world_.now_s() + 1);
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
      const gw_outcome outcome = send(error_about(flow), shard);
      ASSERT_EQ(outcome.reason, GW_REASON_FORWARDED);
      ASSERT_EQ(outcome.backend, backend) << "flow " << i << ", shard " << shard;
    }
    ASSERT_EQ(
        std::memcmp(before.data(), world_.buckets().data(), before.size() * sizeof(gw_flow_bucket)),
        0);
  }
  EXPECT_EQ(world_.counters(2).events[GW_EVENT_ICMP_ERROR_PASSED], 60u);
}

TEST_P(IcmpTest, AnErrorOfNoFlowGoesWhereTheFlowWouldGo) {
  publish("maglev");
  for (std::uint16_t i = 0; i < 60; ++i) {
    const FrameSpec flow = flow_of(GetParam(), static_cast<std::uint16_t>(40000 + i));
    const std::uint16_t backend = send(error_about(flow), 1).backend;
    EXPECT_EQ(send(make_frame(flow), 2).backend, backend);
  }
}

TEST_P(IcmpTest, AnErrorOfAnExpiredFlowGoesByItsSlot) {
  const FrameSpec flow = flow_of(GetParam(), 40000);
  send(make_frame(flow), 1);
  world_.set_now_s(world_.now_s() + 351);
  const std::uint64_t passed = world_.counters().gates[GW_GATE_ERROR_LOST];
  EXPECT_EQ(send(error_about(flow)).reason, GW_REASON_FORWARDED);
  EXPECT_NE(world_.counters().gates[GW_GATE_ERROR_LOST], passed);
}

TEST_P(IcmpTest, ARateIsForASecondAndAShard) {
  const Bytes request = ping(flow_of(GetParam(), 40000));
  const auto used_up = std::uint64_t{world_.now_s()} << 32 | kRate;
  world_.counters(0).gates[GW_GATE_ECHO] = used_up;
  EXPECT_EQ(send(request, 0).reason, GW_REASON_ICMP_LIMITED);
  EXPECT_EQ(send(request, 1).reason, GW_REASON_ECHO_ANSWERED);
  EXPECT_EQ(world_.counters(0).gates[GW_GATE_ECHO], used_up);
  world_.set_now_s(world_.now_s() + 1);
  EXPECT_EQ(send(request, 0).reason, GW_REASON_ECHO_ANSWERED);
  EXPECT_EQ(world_.counters(0).gates[GW_GATE_ECHO], std::uint64_t{world_.now_s()} << 32 | 1);
}

TEST_P(IcmpTest, WithoutRoomInFrontAnErrorIsNotSent) {
  FrameSpec flow = flow_of(GetParam(), 40000);
  flow.ttl = 1;
  const Bytes in = make_frame(flow);
  const std::size_t growth = GetParam() == 4 ? 28 : 48;
  for (const std::size_t headroom : {std::size_t{0}, growth - 1, growth}) {
    Frame frame(in, headroom);
    const gw_outcome outcome = world_.balance(frame);
    EXPECT_TRUE(frame.is_inside_buffer());
    EXPECT_EQ(outcome.reason,
              headroom == growth ? GW_REASON_TIME_EXCEEDED_SENT : GW_REASON_TTL_EXPIRED);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, IcmpTest, testing::Values(4, 6));

}  // namespace
}  // namespace guideway::test
