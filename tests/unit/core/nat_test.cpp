// SPDX-License-Identifier: Apache-2.0
// NAT through the whole core: both directions, checksums, what is refused, and how flows end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/core_world.h"
#include "tests/support/ip.h"

namespace guideway::test {
namespace {

constexpr const char* kNatConfig = R"(
schema = 1
[director]
hash_seed = "000102030405060708090a0b0c0d0e0f"
[[interface]]
name = "wan"
device = "eth1"
[[interface]]
name = "lan"
device = "eth2"
[[pool]]
name = "web"
forwarding = "nat"
source = ["198.51.100.9", "2001:db8:9::9"]
backends = [ { name = "b1", address = "10.0.0.11", port = 6400 },
             { name = "b2", address = "10.0.0.12", port = 6400 } ]
[[pool]]
name = "web6"
forwarding = "nat"
source = "2001:db8:9::9"
backends = [ { name = "s1", address = "2001:db8:a::11", port = 6400 } ]
[[service]]
name = "web"
address = "203.0.113.10"
protocol = "tcp_udp"
port = 80
pool = "web"
[[service]]
name = "web6"
address = "2001:db8:203::10"
protocol = "tcp_udp"
port = 80
pool = "web6"
)";

constexpr std::uint8_t kNatSyn = GW_TCP_SYN;
constexpr std::uint8_t kNatAck = GW_TCP_ACK;
constexpr std::uint8_t kNatSynAck = GW_TCP_SYN | GW_TCP_ACK;

/// Where the parts of a frame without tags and options are.
struct Parts {
  explicit Parts(Bytes& bytes) : frame(bytes) {}
  bool v4() const { return frame[12] == 0x08; }
  std::size_t l4() const { return v4() ? 34 : 54; }
  std::size_t address_size() const { return v4() ? 4 : 16; }
  std::uint8_t protocol() const { return v4() ? frame[23] : frame[20]; }
  std::uint8_t ttl() const { return v4() ? frame[22] : frame[21]; }
  std::uint8_t* source() const { return &frame[v4() ? 26 : 22]; }
  std::uint8_t* destination() const { return source() + address_size(); }
  unsigned port(std::size_t at) const { return frame[l4() + at] * 256u + frame[l4() + at + 1]; }
  unsigned source_port() const { return port(0); }
  unsigned destination_port() const { return port(2); }
  std::size_t checksum_at() const { return l4() + (protocol() == GW_PROTO_TCP ? 16 : 6); }
  std::string source_text() const { return text(source()); }
  std::string destination_text() const { return text(destination()); }
  std::size_t l4_length() const {
    return v4() ? frame[16] * 256u + frame[17] - 20u : frame[18] * 256u + frame[19];
  }
  /// 0xffff when the checksum is right.
  std::uint16_t l4_sum() const {
    const std::uint32_t pseudo = internet_sum({source(), 2 * address_size()}) + protocol() +
                                 static_cast<std::uint32_t>(l4_length());
    return internet_sum({&frame[l4()], l4_length()}, pseudo);
  }
  void fill_checksum() const {
    frame[checksum_at()] = frame[checksum_at() + 1] = 0;
    const auto sum = static_cast<std::uint16_t>(~l4_sum());
    frame[checksum_at()] = static_cast<std::uint8_t>(sum >> 8);
    frame[checksum_at() + 1] = static_cast<std::uint8_t>(sum);
  }
  Bytes& frame;

 private:
  std::string text(const std::uint8_t* bytes) const {
    std::array<std::uint8_t, 16> all{};
    std::copy_n(bytes, address_size(), all.begin());
    return (v4() ? IpAddress::v4({all[0], all[1], all[2], all[3]}) : IpAddress::v6(all))
        .to_string();
  }
};

class NatTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = CoreWorld({.nat_planes = 3});
    auto model = parse_config(kNatConfig);
    ASSERT_TRUE(model) << model.error().message;
    model_ = *model;
    publish();
  }

  void publish() {
    compile::NextHops hops;
    std::uint8_t last = 1;
    for (const auto& pool : model_.pools) {
      for (const auto& backend : pool.backends) {
        compile::NextHop hop;
        hop.state = compile::NextHop::State::kResolved;
        hop.destination = Mac{{2, 0, 0, 0, 1, last++}};
        hop.source = Mac{{2, 0, 0, 0, 0, 2}};
        hop.interface_index = 1;
        hops[backend.address] = hop;
      }
    }
    const auto done = world_.publish(model_, hops);
    ASSERT_TRUE(done) << done.error().message;
  }

  /// Sends the frame in by `interface`; what it is afterwards is in sent_.
  gw_outcome send_bytes(Bytes bytes, std::uint16_t interface = 0) {
    Frame frame(bytes);
    frame.packet()->interface_index = interface;
    const gw_outcome outcome = world_.balance(frame);
    sent_ = frame.bytes();
    return outcome;
  }
  static FrameSpec client(std::uint8_t flags, std::uint16_t port = 40000) {
    return {.source_port = port, .tcp_flags = flags, .data_length = 5};
  }
  gw_outcome send(const FrameSpec& spec, std::uint16_t interface = 0) {
    Bytes bytes = make_frame(spec);
    Parts(bytes).fill_checksum();
    return send_bytes(bytes, interface);
  }
  /// What the backend answers to sent_.
  Bytes answer(std::uint8_t flags) {
    const Parts got(sent_);
    FrameSpec spec{.family = static_cast<std::uint8_t>(got.v4() ? 4 : 6),
                   .protocol = got.protocol(),
                   .source_port = static_cast<std::uint16_t>(got.destination_port()),
                   .destination_port = static_cast<std::uint16_t>(got.source_port()),
                   .tcp_flags = flags,
                   .data_length = 7};
    std::copy_n(got.destination(), got.address_size(), spec.source.begin());
    std::copy_n(got.source(), got.address_size(), spec.destination.begin());
    Bytes bytes = make_frame(spec);
    Parts(bytes).fill_checksum();
    return bytes;
  }
  std::uint64_t counted(gw_reason reason) { return world_.counters().reasons[reason]; }
  std::size_t taken_ports() {
    std::size_t taken = 0;
    for (const gw_nat_bucket& bucket : world_.nat_buckets())
      for (const std::uint64_t word : bucket.ways.words)
        taken += gw_nat_state(word) == GW_NAT_VALID ? 1 : 0;
    return taken;
  }

  CoreWorld world_;
  model::Model model_;
  Bytes sent_;
};

TEST_F(NatTest, BothDirectionsAreTranslatedWithRightChecksums) {
  for (const std::uint8_t family : {4, 6}) {
    for (const std::uint8_t protocol : {GW_PROTO_TCP, GW_PROTO_UDP}) {
      FrameSpec spec = family == 4 ? FrameSpec{} : ipv6_spec();
      spec.protocol = protocol;
      spec.data_length = 11;
      const gw_outcome forward = send(spec);
      ASSERT_EQ(forward.reason, GW_REASON_FORWARDED);
      EXPECT_EQ(forward.interface_index, 1);
      const Parts to(sent_);
      EXPECT_EQ(to.source_text(), family == 4 ? "198.51.100.9" : "2001:db8:9::9");
      EXPECT_EQ(to.destination_port(), 6400U);
      EXPECT_GE(to.source_port(), 1024U);
      EXPECT_EQ(to.ttl(), 56);
      EXPECT_EQ(to.l4_sum(), 0xffff);
      if (family == 4) {
        EXPECT_EQ(internet_sum({&sent_[14], 20}), 0xffff);
      }
      EXPECT_EQ(sent_[4], 1) << "the backend's MAC address";

      const gw_outcome back = send_bytes(answer(kNatSynAck), 1);
      ASSERT_EQ(back.reason, GW_REASON_NAT_RETURNED);
      EXPECT_EQ(back.verdict, GW_FORWARD);
      EXPECT_EQ(back.interface_index, 0) << "the way the client's packets came";
      const Parts from(sent_);
      EXPECT_EQ(from.source_text(), family == 4 ? "203.0.113.10" : "2001:db8:203::10");
      EXPECT_EQ(from.destination_text(), family == 4 ? "192.0.2.7" : "2001:db8:7::7");
      EXPECT_EQ(from.source_port(), 80U);
      EXPECT_EQ(from.destination_port(), 40000U);
      EXPECT_EQ(from.ttl(), 56);
      EXPECT_EQ(from.l4_sum(), 0xffff);
      if (family == 4) {
        EXPECT_EQ(internet_sum({&sent_[14], 20}), 0xffff);
      }
      const Bytes request = make_frame(spec);
      EXPECT_TRUE(std::equal(sent_.begin(), sent_.begin() + 6, request.begin() + 6));
      EXPECT_TRUE(std::equal(sent_.begin() + 6, sent_.begin() + 12, request.begin()));
    }
  }
}

TEST_F(NatTest, EveryChecksumStaysRight) {
  std::set<unsigned> ports;
  for (std::uint16_t port = 1; port < 3000; port++) {
    FrameSpec spec{.protocol = GW_PROTO_UDP, .source_port = port, .data_length = port};
    spec.data_length = port % 9;
    ASSERT_EQ(send(spec).reason, GW_REASON_FORWARDED);
    ASSERT_EQ(Parts(sent_).l4_sum(), 0xffff) << port;
    ASSERT_NE(Parts(sent_).port(6), 0U) << "zero would mean that there is none";
    ports.insert(Parts(sent_).source_port());
  }
  EXPECT_EQ(ports.size(), 2999U) << "two flows shared a port";
}

TEST_F(NatTest, UdpWithoutChecksumStaysSoOverIpv4AndIsRefusedOverIpv6) {
  FrameSpec spec{.protocol = GW_PROTO_UDP};
  ASSERT_EQ(send_bytes(make_frame(spec)).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(Parts(sent_).port(6), 0U);
  spec = ipv6_spec();
  spec.protocol = GW_PROTO_UDP;
  EXPECT_EQ(send_bytes(make_frame(spec)).reason, GW_REASON_NAT_UDP_CHECKSUM);
}

TEST_F(NatTest, AFlowKeepsItsBackendAndPort) {
  send(client(kNatSyn));
  const std::string backend = Parts(sent_).destination_text();
  const unsigned port = Parts(sent_).source_port();
  for (; world_.now_s() < 1300; world_.set_now_s(world_.now_s() + 20)) {
    send_bytes(answer(kNatAck), 1);
    ASSERT_EQ(send(client(kNatAck)).reason, GW_REASON_FORWARDED);
    ASSERT_EQ(Parts(sent_).destination_text(), backend);
    ASSERT_EQ(Parts(sent_).source_port(), port);
  }
}

TEST_F(NatTest, ADrainedBackendKeepsItsFlowsAndGetsNoNewOnes) {
  std::map<std::uint16_t, std::string> before;
  for (std::uint16_t port = 1000; port < 1040; port++) {
    send(client(kNatSyn, port));
    before[port] = Parts(sent_).destination_text();
  }
  model_.pools[0].backends[0].state = model::AdminState::kDrain;
  publish();
  for (const auto& [port, backend] : before) {
    ASSERT_EQ(send(client(kNatAck, port)).reason, GW_REASON_FORWARDED);
    EXPECT_EQ(Parts(sent_).destination_text(), backend);
  }
  for (std::uint16_t port = 2000; port < 2040; port++) {
    send(client(kNatSyn, port));
    EXPECT_EQ(Parts(sent_).destination_text(), "10.0.0.12");
  }
}

TEST_F(NatTest, TcpOfNoFlowIsReset) {
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_NAT_RESET);
  EXPECT_EQ(Parts(sent_).source_text(), "203.0.113.10");
  EXPECT_EQ(sent_[47], GW_TCP_RST);
  EXPECT_EQ(Parts(sent_).l4_sum(), 0xffff);
  EXPECT_EQ(send(client(GW_TCP_RST)).reason, GW_REASON_NAT_NO_FLOW);
  EXPECT_EQ(taken_ports(), 0U);
}

TEST_F(NatTest, OnlyTheFlowsBackendMayAnswer) {
  send(client(kNatSyn));
  Bytes reply = answer(kNatSynAck);
  Bytes forged = reply;
  Parts(forged).source()[3] ^= 1;  // the other backend
  EXPECT_EQ(send_bytes(forged, 1).reason, GW_REASON_NAT_NOT_ITS_BACKEND);
  forged = reply;
  forged[35] ^= 1;  // another port of the backend
  EXPECT_EQ(send_bytes(forged, 1).reason, GW_REASON_NAT_NOT_ITS_BACKEND);
  forged = reply;
  forged[37] ^= 1;  // a port that nobody has
  EXPECT_EQ(send_bytes(forged, 1).reason, GW_REASON_NAT_NO_FLOW);
  forged = reply;
  forged[36] = 0;
  forged[37] = 22;  // below the range
  EXPECT_EQ(send_bytes(forged, 1).reason, GW_REASON_NAT_NO_FLOW);
  EXPECT_EQ(send_bytes(reply, 1).reason, GW_REASON_NAT_RETURNED);
}

TEST_F(NatTest, ATaggedClientIsAnsweredWithItsTag) {
  Bytes request = make_frame(client(kNatSyn));
  Parts(request).fill_checksum();
  const Bytes tag = {0x81, 0x00, 0x00, 0x64};
  request.insert(request.begin() + 12, tag.begin(), tag.end());
  ASSERT_EQ(send_bytes(request).reason, GW_REASON_FORWARDED);
  ASSERT_EQ(sent_[12], 0x08) << "the backend's side has none";
  ASSERT_EQ(send_bytes(answer(kNatSynAck), 1).reason, GW_REASON_NAT_RETURNED);
  EXPECT_TRUE(std::equal(tag.begin(), tag.end(), sent_.begin() + 12));
  EXPECT_EQ(sent_[16], 0x08);
  Bytes bare = sent_;
  bare.erase(bare.begin() + 12, bare.begin() + 16);
  EXPECT_EQ(Parts(bare).destination_text(), "192.0.2.7");
  EXPECT_EQ(Parts(bare).l4_sum(), 0xffff);
}

TEST_F(NatTest, TheWayBackFollowsTheClient) {
  send(client(kNatSyn));
  const Bytes to_backend = sent_;
  send_bytes(answer(kNatSynAck), 1);
  world_.set_now_s(world_.now_s() + 1);
  Bytes moved = make_frame(client(kNatAck));
  moved[11] ^= 0x55;  // another router
  Parts(moved).fill_checksum();
  ASSERT_EQ(send_bytes(moved, 1).reason, GW_REASON_FORWARDED);
  sent_ = to_backend;
  const gw_outcome back = send_bytes(answer(kNatAck), 1);
  EXPECT_EQ(back.interface_index, 1);
  EXPECT_EQ(sent_[5], moved[11]);
}

TEST_F(NatTest, FlowsEndByFinResetAndSilence) {
  send(client(kNatSyn));
  const unsigned port = Parts(sent_).source_port();
  send_bytes(answer(kNatSynAck), 1);
  send(client(kNatAck | GW_TCP_FIN));
  send_bytes(answer(kNatAck | GW_TCP_FIN), 1);
  world_.set_now_s(world_.now_s() + 10);
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_FORWARDED);
  world_.set_now_s(world_.now_s() + 11);
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_NAT_RESET);
  EXPECT_EQ(send(client(kNatSyn)).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(taken_ports(), 1U) << "it took its old place";
  EXPECT_EQ(Parts(sent_).source_port(), port);
  send_bytes(answer(kNatAck | GW_TCP_RST), 1);
  world_.set_now_s(world_.now_s() + 3);
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_NAT_RESET);
}

TEST_F(NatTest, ASynOnTheSamePortsAfterBothFinsIsANewConnection) {
  send(client(kNatSyn));
  send_bytes(answer(kNatSynAck), 1);
  send(client(kNatAck | GW_TCP_FIN));
  send_bytes(answer(kNatAck | GW_TCP_FIN), 1);
  model_.pools[0].backends[0].state = model::AdminState::kDrain;
  publish();
  send(client(kNatSyn));
  EXPECT_EQ(Parts(sent_).destination_text(), "10.0.0.12");
  EXPECT_EQ(taken_ports(), 1U);
}

TEST_F(NatTest, WhatIsForgedInTheClientsNameDoesNotEndItsConnection) {
  send(client(kNatSyn));
  const unsigned port = Parts(sent_).source_port();
  const std::string backend = Parts(sent_).destination_text();
  send_bytes(answer(kNatSynAck), 1);
  send(client(kNatAck));
  model_.pools[0].backends[backend == "10.0.0.11" ? 1 : 0].weight = 100;
  publish();
  send(client(kNatAck | GW_TCP_FIN));
  send(client(kNatSyn));
  EXPECT_EQ(Parts(sent_).destination_text(), backend) << "a SYN after one FIN";
  EXPECT_EQ(Parts(sent_).source_port(), port);
  send(client(GW_TCP_RST));
  send(client(kNatSyn));
  EXPECT_EQ(Parts(sent_).destination_text(), backend) << "a SYN after a RST";
  send(client(GW_TCP_RST));
  send(client(kNatAck));
  world_.set_now_s(world_.now_s() + 60);
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(Parts(sent_).source_port(), port);
}

TEST_F(NatTest, ASynAfterTheClientsResetLeavesADrainedBackend) {
  send(client(kNatSyn));
  send_bytes(answer(kNatSynAck), 1);
  send(client(GW_TCP_RST));
  for (auto& backend : model_.pools[0].backends) backend.state = model::AdminState::kDrain;
  model_.pools[0].backends[1].state = model::AdminState::kEnabled;
  publish();
  send(client(kNatSyn));
  EXPECT_EQ(Parts(sent_).destination_text(), "10.0.0.12");
}

TEST_F(NatTest, ASynSentTwiceIsNotYetAConnection) {
  send(client(kNatSyn));
  send_bytes(answer(kNatSynAck), 1);
  send(client(kNatSyn));
  world_.set_now_s(world_.now_s() + 31);
  EXPECT_EQ(send(client(kNatAck)).reason, GW_REASON_NAT_RESET) << "on probation to its end";
}

TEST_F(NatTest, ADatagramKeepsItsPortWhenThePoolHasMoreAddresses) {
  std::map<std::uint16_t, unsigned> ports;
  const auto datagram = [](std::uint16_t port) {
    return FrameSpec{.protocol = GW_PROTO_UDP, .source_port = port};
  };
  for (std::uint16_t port = 1000; port < 1040; port++) {
    send(datagram(port));
    ports[port] = Parts(sent_).source_port();
  }
  model_.pools[0].nat_sources.push_back(*IpAddress::parse("198.51.100.10"));
  publish();
  for (const auto& [from, port] : ports) {
    send(datagram(from));
    EXPECT_EQ(Parts(sent_).source_text(), "198.51.100.9");
    EXPECT_EQ(Parts(sent_).source_port(), port);
  }
  EXPECT_EQ(taken_ports(), ports.size());
}

TEST_F(NatTest, AMarkedFlowIsResetOnceAndUdpMoves) {
  for (const std::uint8_t protocol : {GW_PROTO_TCP, GW_PROTO_UDP}) {
    FrameSpec spec = client(kNatSyn);
    spec.protocol = protocol;
    send(spec);
    for (gw_nat_bucket& bucket : world_.nat_buckets())
      for (std::uint64_t& word : bucket.ways.words)
        if (gw_nat_state(word) == GW_NAT_VALID) word |= GW_NAT_MARK;
    spec.tcp_flags = kNatAck;
    EXPECT_EQ(send(spec).reason,
              protocol == GW_PROTO_TCP ? GW_REASON_RESET_SENT : GW_REASON_FORWARDED);
    spec.tcp_flags = kNatSyn;
    EXPECT_EQ(send(spec).reason, GW_REASON_FORWARDED);
  }
}

TEST_F(NatTest, SeveralAddressesShareTheFlowsAndNoneIsLostWhenOneIsAdded) {
  std::map<std::uint16_t, unsigned> ports;
  for (std::uint16_t port = 1000; port < 1400; port++) {
    send(client(kNatSyn, port));
    ports[port] = Parts(sent_).source_port();
  }
  world_ = CoreWorld({.nat_planes = 3});
  publish();
  for (const auto& [port, was] : ports) send(client(kNatSyn, port));
  model_.pools[0].nat_sources.push_back(*IpAddress::parse("198.51.100.10"));
  publish();
  std::map<std::string, int> used;
  for (const auto& [port, was] : ports) {
    ASSERT_EQ(send(client(kNatAck, port)).reason, GW_REASON_FORWARDED);
    ASSERT_EQ(Parts(sent_).source_port(), was) << "the same seed, the same port";
    ASSERT_EQ(Parts(sent_).source_text(), "198.51.100.9");
  }
  for (std::uint16_t port = 2000; port < 2400; port++) {
    send(client(kNatSyn, port));
    used[Parts(sent_).source_text()]++;
  }
  EXPECT_GT(used["198.51.100.9"], 150);
  EXPECT_GT(used["198.51.100.10"], 150);
}

TEST_F(NatTest, ExhaustionIsNamed) {
  // A plane where every place is an established flow's.
  for (gw_nat_bucket& bucket : world_.nat_buckets()) {
    for (std::size_t way = 0; way < GW_NAT_WAYS; way++) {
      bucket.ways.words[way] = gw_nat_word(1, 0, GW_NAT_VALID, 1);
      bucket.entries[way].client_word =
          std::uint64_t{GW_NAT_SEEN | GW_NAT_CONFIRMED} << 32 | world_.now_s();
      bucket.entries[way].tail = gw_nat_tail(0, GW_PROTO_TCP, GW_FAMILY_4);
      bucket.entries[way].settings = gw_nat_settings(300, 0);
    }
  }
  EXPECT_EQ(send(client(kNatSyn)).reason, GW_REASON_NAT_NO_PORT);
  EXPECT_EQ(counted(GW_REASON_NAT_NO_PORT), 1U);
}

TEST_F(NatTest, TheServicesPortIsTheBackendsWhereItHasNone) {
  model_.pools[0].backends[0].port = model_.pools[0].backends[1].port = 0;
  publish();
  ASSERT_EQ(send(client(kNatSyn)).reason, GW_REASON_FORWARDED);
  EXPECT_EQ(Parts(sent_).destination_port(), 80U);
  EXPECT_EQ(send_bytes(answer(kNatSynAck), 1).reason, GW_REASON_NAT_RETURNED);
}

}  // namespace
}  // namespace guideway::test
