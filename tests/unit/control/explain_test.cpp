// SPDX-License-Identifier: Apache-2.0
// Explain agrees with the packet path: the same packets through gw_balance() and explain().
#include "guideway/control/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "tests/support/core_world.h"

namespace guideway::control {
namespace {

constexpr const char* kExplained = R"(
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "plain"
table_size = 251
backends = [{ name = "p1", address = "10.0.0.1" }, { name = "p2", address = "10.0.0.2" }]
[[pool]]
name = "tunnel"
forwarding = "ipip"
source = "198.51.100.2"
table_size = 251
backends = [{ name = "t1", address = "10.0.0.3" }, { name = "t2", address = "10.0.0.4" }]
[[pool]]
name = "nobody"
table_size = 251
backends = [{ name = "n1", address = "10.0.0.5", state = "disabled" }]
[[pool]]
name = "translated"
forwarding = "nat"
source = "198.51.100.9"
table_size = 251
backends = [{ name = "x1", address = "10.0.0.1", port = 6400 }, { name = "x2", address = "10.0.0.2", port = 6400 }]
[[pool]]
name = "told"
forwarding = "nat"
toa = true
source = "198.51.100.9"
table_size = 251
backends = [{ name = "o1", address = "10.0.0.1", port = 6400 }]
[[service]]
name = "told"
address = "203.0.113.21"
port = 80
pool = "told"
[[pool]]
name = "kept"
forwarding = "nat"
snat = false
table_size = 251
backends = [{ name = "k1", address = "10.0.0.1", port = 6500 }, { name = "k2", address = "10.0.0.2", port = 6500 }]
[[pool]]
name = "gre"
forwarding = "gre"
gre = { key = 7 }
source = "198.51.100.2"
table_size = 251
backends = [{ name = "g1", address = "10.0.0.3" }, { name = "g2", address = "10.0.0.4" }]
[[pool]]
name = "gue"
forwarding = "gue"
source = "2001:db8:1::2"
table_size = 251
backends = [{ name = "u1", address = "2001:db8:1::3" }, { name = "u2", address = "2001:db8:1::4" }]
[[pool]]
name = "vxlan"
forwarding = "vxlan"
vxlan = { vni = 100, inner_mac = "02:67:77:00:00:01" }
source = "198.51.100.2"
table_size = 251
backends = [{ name = "v1", address = "10.0.0.3" }, { name = "v2", address = "10.0.0.4" }]
[[pool]]
name = "in_turn"
forwarding = "ipip"
source = "198.51.100.2"
scheduler = "round_robin"
table_size = 251
backends = [{ name = "r1", address = "10.0.0.3" }, { name = "r2", address = "10.0.0.4" }]
[[pool]]
name = "by_load"
scheduler = "least_connections"
table_size = 251
backends = [{ name = "l1", address = "10.0.0.1" }, { name = "l2", address = "10.0.0.2" }]
[[service]]
name = "gre"
address = "203.0.113.15"
port = 80
pool = "gre"
[[service]]
name = "gue"
address = "203.0.113.16"
port = 80
pool = "gue"
[[service]]
name = "vxlan"
address = "203.0.113.17"
port = 80
pool = "vxlan"
[[service]]
name = "vxlan_six"
address = "2001:db8:203::11"
port = 80
pool = "vxlan"
[[service]]
name = "in_turn"
address = "203.0.113.18"
protocol = "tcp_udp"
port = 80
pool = "in_turn"
[[service]]
name = "by_load"
address = "203.0.113.19"
protocol = "tcp_udp"
port = 80
pool = "by_load"
[[service]]
name = "kept_too"
address = "203.0.113.20"
port = 80
pool = "kept"
[[service]]
name = "kept"
address = "203.0.113.14"
port = 80
pool = "kept"
[[service]]
name = "translated"
address = "203.0.113.13"
protocol = "tcp_udp"
port = 80
pool = "translated"
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "plain"
[[service]]
name = "dns"
address = "203.0.113.10"
protocol = "udp"
port = 53
pool = "tunnel"
[[service]]
name = "six"
address = "2001:db8:203::10"
port = 80
pool = "tunnel"
[[service]]
name = "empty"
address = "203.0.113.11"
port = 80
pool = "nobody"
)";

compile::NextHops all_resolved() {
  compile::NextHops hops;
  for (std::uint8_t host = 1; host <= 5; host++) {
    compile::NextHop hop;
    hop.state = compile::NextHop::State::kResolved;
    hop.destination = Mac{{2, 0, 0, 0, 0, host}};
    hop.source = Mac{{2, 0, 0, 0, 0, 0xaa}};
    hop.mtu = 1500;
    hops[IpAddress::v4({10, 0, 0, host})] = hop;
    hops[*IpAddress::parse("2001:db8:1::" + std::to_string(host))] = hop;
  }
  return hops;
}

std::string verdict_of(const gw_outcome& outcome) {
  static constexpr const char* kNames[] = {"forward", "reply", "kernel", "drop"};
  return kNames[outcome.verdict];
}

std::string reason_of(const gw_outcome& outcome) {
  static constexpr const char* kNames[] = {
#define GW_REASON_NAME(id, verdict, name, help) name,
      GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
  };
  return kNames[outcome.reason];
}

/// The configuration above with flow tables of a size, asked and sent packets.
class ExplainWorld {
 protected:
  explicit ExplainWorld(test::WorldSize size) : size_(size), world_(size) {
    const auto model = test::parse_config(kExplained);
    EXPECT_TRUE(model) << model.error().message;
    EXPECT_TRUE(world_.publish(*model, all_resolved()));
  }

  Explanation explain_frame(const test::FrameSpec& spec) {
    ExplainQuery query;
    const bool v4 = spec.family == GW_FAMILY_4;
    const auto address = [&](const std::array<std::uint8_t, 16>& bytes) {
      return v4 ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
    };
    query.source = address(spec.source);
    query.destination = address(spec.destination);
    query.source_port = spec.source_port;
    query.destination_port = spec.destination_port;
    query.tcp = spec.protocol == GW_PROTO_TCP;
    query.syn = spec.tcp_flags == GW_TCP_SYN;
    const datapath::FlowTableView flows{world_.buckets(), size_.shards, size_.buckets_per_shard};
    return explain(query, world_.state(), flows, world_.now_s(),
                   {world_.nat_buckets(), size_.nat_planes});
  }

  std::string backend_name(std::uint16_t id) const {
    return id < world_.state().backend_info.size() ? world_.state().backend_info[id].name : "";
  }

  test::WorldSize size_;
  test::CoreWorld world_;
};

class ExplainTest : public ExplainWorld, public testing::TestWithParam<std::uint32_t> {
 protected:
  ExplainTest() : ExplainWorld({4096, GetParam(), 2}) {}

  test::FrameSpec random_frame() {
    test::FrameSpec spec = random_() % 3 == 0 ? test::ipv6_spec() : test::FrameSpec{};
    spec.source[3] = static_cast<std::uint8_t>(1 + random_() % 200);
    spec.source[15] = static_cast<std::uint8_t>(random_());
    spec.source_port = static_cast<std::uint16_t>(1024 + random_() % 60'000);
    if (random_() % 4 == 0) spec.protocol = GW_PROTO_UDP;
    if (spec.protocol == GW_PROTO_UDP && random_() % 2 == 0) spec.destination_port = 53;
    if (spec.protocol == GW_PROTO_TCP && random_() % 4 == 0) spec.tcp_flags = GW_TCP_ACK;
    if (spec.family == GW_FAMILY_4)
      spec.destination[3] = static_cast<std::uint8_t>(10 + random_() % 10);
    else
      spec.destination[15] = static_cast<std::uint8_t>(0x10 + random_() % 2);
    if (random_() % 8 == 0) spec.destination_port = 81;
    if (random_() % 16 == 0) spec.source = spec.destination;
    spec.ttl = 64;  // explain's own
    return spec;
  }

  std::mt19937 random_{42};
};

/// One bucket has all flows.
class ExplainFullTest : public ExplainWorld, public testing::Test {
 protected:
  ExplainFullTest() : ExplainWorld({1, 1, 2}) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, ExplainTest, testing::Values(1, 2));

TEST_P(ExplainTest, AgreesWithThePacketPathOnTenThousandFlows) {
  std::map<std::string, int> forwarded;  // by pool
  std::map<std::string, int> reasons;
  int by_turn = 0;
  for (int i = 0; i < 10'000; i++) {
    const test::FrameSpec spec = random_frame();
    const std::size_t entries = i % 1000 == 0 ? world_.live_flows() : 0;
    const Explanation before = explain_frame(spec);
    if (i % 1000 == 0) {
      ASSERT_EQ(world_.live_flows(), entries) << "explain writes nothing";
    }
    test::Frame frame(test::make_frame(spec));
    const gw_outcome outcome = world_.balance(frame, random_() % GetParam());
    ASSERT_EQ(before.verdict, verdict_of(outcome)) << i;
    ASSERT_EQ(before.reason, reason_of(outcome)) << i;
    reasons[before.reason]++;
    if (outcome.verdict != GW_FORWARD) continue;
    forwarded[before.pool]++;
    const Explanation after = explain_frame(spec);
    ASSERT_EQ(after.flow, "hit") << i;
    ASSERT_EQ(after.backend, backend_name(outcome.backend)) << i;
    // What is sent is explain's header before the packet.
    const test::Bytes sent = frame.bytes();
    ASSERT_GE(after.header.size(), std::size_t{GW_ETHERNET_LENGTH}) << i;
    ASSERT_LE(after.header.size(), sent.size());
    ASSERT_TRUE(std::equal(after.header.begin(), after.header.end(), sent.begin())) << i;
    if (before.flow == "miss" && before.backend.empty()) {
      by_turn++;
      ASSERT_THAT(before.pool, testing::AnyOf("in_turn", "by_load")) << i;
      continue;
    }
    ASSERT_EQ(before.backend, after.backend) << i;
    ASSERT_EQ(before.header, after.header) << i;
  }
  for (const char* pool :
       {"plain", "tunnel", "translated", "kept", "gre", "gue", "vxlan", "in_turn", "by_load"})
    EXPECT_GT(forwarded[pool], 100) << pool;
  EXPECT_GT(by_turn, 400);
  EXPECT_GT(reasons["bad_source"], 100);
}

TEST_F(ExplainFullTest, AFlowWithoutRoomGoesByItsSlotWhoseTurnEverItIs) {
  test::FrameSpec spec;
  spec.destination = {203, 0, 113, 18};
  for (std::uint16_t port = 1; port <= GW_FLOW_WAYS; port++) {
    spec.source_port = port;
    EXPECT_EQ(explain_frame(spec).backend, "") << "it gets the turn's";
    test::Frame frame(test::make_frame(spec));
    world_.balance(frame);
  }
  for (std::uint16_t port = 100; port < 200; port++) {
    spec.source_port = port;
    const Explanation found = explain_frame(spec);
    ASSERT_THAT(found.why, testing::HasSubstr("goes by its slot"));
    test::Frame frame(test::make_frame(spec));
    ASSERT_EQ(found.backend, backend_name(world_.balance(frame).backend)) << port;
  }
}

TEST_P(ExplainTest, NamesThePoolWithoutBackends) {
  test::FrameSpec spec;
  spec.destination = {203, 0, 113, 11};
  const Explanation found = explain_frame(spec);
  EXPECT_EQ(found.verdict, "drop");
  EXPECT_EQ(found.reason, "no_backend");
  EXPECT_EQ(found.service, "empty");
  EXPECT_EQ(found.pool, "nobody");
}

TEST_P(ExplainTest, ShowsTheOuterHeader) {
  const Explanation found = explain_frame(test::ipv6_spec());
  ASSERT_EQ(found.header.size(), 14u + 20u);
  EXPECT_EQ(found.header[14], 0x45);
  EXPECT_EQ(found.header[14 + 9], 41);
}

TEST_P(ExplainTest, SaysThatAFlowIsReset) {
  test::FrameSpec spec;
  test::Frame frame(test::make_frame(spec));
  const gw_outcome outcome = world_.balance(frame);
  world_.sweep(outcome.backend);
  spec.tcp_flags = GW_TCP_ACK;
  const Explanation found = explain_frame(spec);
  EXPECT_EQ(found.verdict, "reply");
  EXPECT_EQ(found.flow, "reset");
}

TEST_P(ExplainTest, KnowsThatABackendCannotTellTwoKeptFlowsApart) {
  int refused = 0;
  for (std::uint16_t port = 1; port <= 40; port++) {
    test::FrameSpec spec;
    spec.source_port = port;
    spec.destination = {203, 0, 113, 14};
    test::Frame first(test::make_frame(spec));
    const std::uint16_t backend = world_.balance(first).backend;
    // The same client and port, by another VIP: half of them come to the same backend.
    spec.destination = {203, 0, 113, 20};
    const Explanation found = explain_frame(spec);
    test::Frame second(test::make_frame(spec));
    const gw_outcome outcome = world_.balance(second);
    ASSERT_EQ(found.reason, reason_of(outcome)) << port;
    ASSERT_EQ(found.verdict, verdict_of(outcome)) << port;
    if (outcome.verdict == GW_FORWARD) {
      ASSERT_NE(outcome.backend, backend) << port;
    }
    refused += found.reason == "nat_no_port" ? 1 : 0;
  }
  EXPECT_GT(refused, 5);
  EXPECT_LT(refused, 35);
}

TEST_P(ExplainTest, KnowsThatNoPortIsLeft) {
  test::FrameSpec spec;
  spec.destination = {203, 0, 113, 13};
  EXPECT_EQ(explain_frame(spec).verdict, "forward");
  // Every place is being taken by somebody else at this moment.
  for (std::size_t i = 0; i < world_.nat_buckets().size(); i++)
    if (i % GW_NAT_PLANE != 0)
      for (std::uint64_t& word : world_.nat_buckets()[i].ways.words)
        word = gw_nat_word(world_.now_s(), 0, GW_NAT_CLAIMED, 1);
  const Explanation found = explain_frame(spec);
  test::Frame frame(test::make_frame(spec));
  EXPECT_EQ(reason_of(world_.balance(frame)), "nat_no_port");
  EXPECT_EQ(found.reason, "nat_no_port");
  EXPECT_EQ(found.verdict, "drop");
}

TEST_P(ExplainTest, ShowsTheOptionThatTellsTheClientsAddress) {
  test::FrameSpec spec;
  spec.destination = {203, 0, 113, 21};
  const Explanation before = explain_frame(spec);
  const std::vector<std::uint8_t> option = {254,
                                            8,
                                            static_cast<std::uint8_t>(spec.source_port >> 8),
                                            static_cast<std::uint8_t>(spec.source_port),
                                            spec.source[0],
                                            spec.source[1],
                                            spec.source[2],
                                            spec.source[3]};
  EXPECT_EQ(before.tcp_option, option);
  EXPECT_EQ(before.header.size(), 14u);
  test::Frame frame(test::make_frame(spec));
  ASSERT_EQ(world_.balance(frame).verdict, GW_FORWARD);
  const test::Bytes sent = frame.bytes();
  EXPECT_EQ(test::Bytes(&sent[54], &sent[62]), option) << "and so it was";
  spec.tcp_flags = GW_TCP_ACK;
  EXPECT_EQ(explain_frame(spec).tcp_option, option);
  for (gw_nat_bucket& bucket : world_.nat_buckets())
    for (gw_nat_entry& entry : bucket.entries)
      if (entry.tail != 0) entry.backend_word = std::uint64_t{GW_NAT_NO_SYN} << 32;
  EXPECT_THAT(explain_frame(spec).tcp_option, testing::IsEmpty()) << "its backend has spoken";
  spec.destination = {203, 0, 113, 13};
  spec.tcp_flags = GW_TCP_SYN;
  EXPECT_THAT(explain_frame(spec).tcp_option, testing::IsEmpty()) << "of another pool";
}

TEST_P(ExplainTest, KnowsTheAnswersOfFlowsThatKeepTheClientsAddress) {
  test::FrameSpec spec;
  spec.destination = {203, 0, 113, 14};
  EXPECT_THAT(explain_frame(spec).why, testing::HasSubstr("keeps the client's address"));
  test::Frame frame(test::make_frame(spec));
  const std::string backend = backend_name(world_.balance(frame).backend);
  EXPECT_EQ(explain_frame(spec).why, "its flow is in the NAT table");
  test::FrameSpec answer = spec;
  answer.source = {10, 0, 0, static_cast<std::uint8_t>(backend == "k1" ? 1 : 2)};
  answer.destination = spec.source;
  answer.source_port = 6500;
  answer.destination_port = spec.source_port;
  const Explanation found = explain_frame(answer);
  EXPECT_EQ(found.verdict, "forward");
  EXPECT_EQ(found.reason, "nat_returned");
  EXPECT_EQ(found.backend, backend);
  answer.source_port = 22;
  EXPECT_EQ(explain_frame(answer).reason, "no_service");
}

}  // namespace
}  // namespace guideway::control
