// SPDX-License-Identifier: Apache-2.0
// What workers make of packets that do not fit: put together again, it is what they would have
// sent. (The packet cases, tests/packet/, have the bytes of every kind of tunnel.)
#include "guideway/datapath/dpdk/fragment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

#include "tests/support/frame.h"
#include "tests/support/generations.h"
#include "tests/support/plain_config.h"
#include "worker_fixture.h"

namespace guideway::datapath::dpdk::testing {
namespace {

using test::Bytes;
using test::PlainConfig;
using Span = std::span<const std::uint8_t>;

constexpr std::uint32_t kFragmentTime = 1000;
constexpr std::size_t kLinkHeader = 14;
constexpr std::size_t kIpHeader = 20;

std::uint32_t get_be16(Span bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
}

void set_be16(Bytes& bytes, std::size_t at, std::uint32_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void seal_ipv4(Bytes& packet) {
  set_be16(packet, 10, 0);
  const std::size_t length = (packet[0] & 15u) * 4;
  set_be16(packet, 10, static_cast<std::uint16_t>(~test::internet_sum(Span(packet).first(length))));
}

/// An Ethernet frame with a UDP packet for the service, `payload` bytes of data, DF clear.
Bytes udp_frame(std::size_t payload, const Bytes& options = {}, std::uint16_t port = 40000) {
  const test::FrameSpec spec{.protocol = GW_PROTO_UDP,
                             .source_port = port,
                             .data_length = static_cast<std::uint16_t>(payload)};
  Bytes frame = test::make_frame(spec);
  frame.insert(frame.begin() + kLinkHeader + kIpHeader, options.begin(), options.end());
  Bytes packet(frame.begin() + kLinkHeader, frame.end());
  packet[0] = static_cast<std::uint8_t>(0x45 + options.size() / 4);
  set_be16(packet, 2, static_cast<std::uint32_t>(packet.size()));
  seal_ipv4(packet);
  std::copy(packet.begin(), packet.end(), frame.begin() + kLinkHeader);
  return frame;
}

/// Options of `words` words, of kinds that are copied and of others, well-formed.
Bytes random_options(std::mt19937& random, std::size_t words) {
  Bytes options;
  while (options.size() < words * 4) {
    const std::size_t left = words * 4 - options.size();
    constexpr std::uint8_t kKinds[] = {1, 7, 68, 131, 136, 137};
    const std::uint8_t kind = kKinds[random() % std::size(kKinds)];
    if (kind == 1 || left < 2) {
      options.push_back(1);
      continue;
    }
    const std::size_t length = 2 + random() % std::min<std::size_t>(left - 1, 10);
    options.push_back(kind);
    options.push_back(static_cast<std::uint8_t>(length));
    for (std::size_t i = 2; i < length; ++i) options.push_back(static_cast<std::uint8_t>(random()));
  }
  return options;
}

/// What later fragments have of them: RFC 791 §3.1.
Bytes copied_of(Span options) {
  Bytes copied;
  for (std::size_t i = 0; i < options.size();) {
    const std::size_t length = options[i] == 1 ? 1 : options[i + 1];
    if (options[i] & 0x80)
      copied.insert(copied.end(), options.begin() + static_cast<std::ptrdiff_t>(i),
                    options.begin() + static_cast<std::ptrdiff_t>(i + length));
    i += length;
  }
  copied.resize((copied.size() + 3) / 4 * 4);
  return copied;
}

/// A frame of a tunnel, or without one, taken apart.
struct Parts {
  Bytes link;
  Bytes outer;
  Bytes inner;  // the IPv4 packet
};

/// The parts of a frame with `vlans` tags and `outer` bytes of outer header, in which lengths and
/// checksums have been checked and are zero now, so that those of all fragments are the same.
Parts parts_of(const Frame& frame, int vlans, std::size_t outer) {
  const auto at = frame.begin() + static_cast<std::ptrdiff_t>(kLinkHeader) + 4 * vlans;
  const auto inner = at + static_cast<std::ptrdiff_t>(outer);
  Parts parts{{frame.begin(), at}, {at, inner}, {inner, frame.end()}};
  if (outer == 0) return parts;
  const bool is_v4 = parts.outer[0] >> 4 == 4;
  const std::size_t length = static_cast<std::size_t>(frame.end() - at);
  EXPECT_EQ(get_be16(parts.outer, is_v4 ? 2 : 4), is_v4 ? length : length - 40);
  if (is_v4) {
    EXPECT_EQ(test::internet_sum(Span(parts.outer).first(kIpHeader)), 0xffff);
    set_be16(parts.outer, 10, 0);
  }
  set_be16(parts.outer, is_v4 ? 2 : 4, 0);
  const std::size_t header = is_v4 ? kIpHeader : 40;
  if (parts.outer[is_v4 ? 9 : 6] == GW_PROTO_UDP) {
    EXPECT_EQ(get_be16(parts.outer, header + 4), length - header);
    set_be16(parts.outer, header + 4, 0);
  }
  return parts;
}

/// The packet that these are all fragments of, in order; checks each by itself, and that none has
/// more than `room` bytes or fewer than it could.
Bytes reassembled(const std::vector<Bytes>& fragments, std::size_t room) {
  const Bytes& first = fragments.front();
  const std::size_t first_header = (first[0] & 15u) * 4;
  const Bytes copied = copied_of(Span(first).subspan(kIpHeader, first_header - kIpHeader));
  Bytes whole(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(first_header));
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    const Bytes& each = fragments[i];
    const bool is_last = i + 1 == fragments.size();
    const std::size_t header = (each[0] & 15u) * 4;
    EXPECT_EQ(get_be16(each, 2), each.size());
    EXPECT_LE(each.size(), room);
    EXPECT_EQ(test::internet_sum(Span(each).first(header)), 0xffff);
    EXPECT_EQ(get_be16(each, 6) >> 13, is_last ? 0u : 1u) << "flags of fragment " << i;
    EXPECT_EQ((get_be16(each, 6) & 0x1fff) * 8, whole.size() - first_header);
    if (!is_last) EXPECT_EQ(each.size() - header, (room - first_header) / 8 * 8);
    EXPECT_EQ(Bytes(each.begin() + 8, each.begin() + 10),
              Bytes(first.begin() + 8, first.begin() + 10));
    EXPECT_EQ(get_be16(each, 4), get_be16(first, 4));
    if (i != 0)
      EXPECT_EQ(Bytes(each.begin() + kIpHeader, each.begin() + static_cast<std::ptrdiff_t>(header)),
                copied);
    whole.insert(whole.end(), each.begin() + static_cast<std::ptrdiff_t>(header), each.end());
  }
  set_be16(whole, 2, static_cast<std::uint32_t>(whole.size()));
  set_be16(whole, 6, 0);
  seal_ipv4(whole);
  return whole;
}

/// A worker, and paths to its backends that get narrower.
class NarrowSite {
 public:
  explicit NarrowSite(const PlainConfig& config, WorkerFixture::Options options = {.interfaces = 2})
      : model_(test::make_model(config)), worker_(options), generations_(64, options.nat_planes) {}

  void set_path(std::uint16_t mtu, int vlans = 0) {
    compile::NextHops hops = test::all_resolved(model_, vlans);
    for (auto& [address, hop] : hops) hop.mtu = mtu;
    auto state = generations_.next(model_, hops);
    ASSERT_TRUE(state) << state.error().message;
    outer_length_ = 0;
    for (const gw_backend& record : (*state)->backends)
      if (record.flags & GW_BACKEND_USED) outer_length_ = record.outer_length;
    worker_.publish(std::move(*state));
    worker_.poll(kFragmentTime);
    worker_.published().reclaim();
  }
  std::vector<Frame> send(const Bytes& frame) {
    worker_.put(0, frame);
    worker_.run_until_idle(kFragmentTime);
    return worker_.sent(1);
  }
  std::uint64_t reason(gw_reason reason) const { return worker_.counters().reasons[reason]; }
  std::uint64_t event(gw_event event) const { return worker_.counters().events[event]; }
  gw_traffic of_backends() const {
    gw_traffic sum{};
    for (std::uint16_t id = 0; id < 64; ++id) {
      sum.packets += worker_.backend_traffic(id).packets;
      sum.bytes += worker_.backend_traffic(id).bytes;
    }
    return sum;
  }
  WorkerFixture& worker() { return worker_; }
  model::Model& model() { return model_; }
  std::size_t outer_length() const { return outer_length_; }
  /// It translates the source.
  bool gives_identifications() const {
    const model::Pool& pool = model_.pools.front();
    return pool.forwarding == model::Forwarding::kNat && pool.snat;
  }

 private:
  model::Model model_;
  WorkerFixture worker_;
  test::Generations generations_;
  std::size_t outer_length_ = 0;
};

struct TunnelMode {
  const char* forwarding;
  int outer_family;
};
constexpr TunnelMode kTunnelModes[] = {{"l2dsr", 4}, {"ipip", 4}, {"ipip", 6}, {"gre", 4},
                                       {"gre", 6},   {"gue", 4},  {"gue", 6},  {"vxlan", 4},
                                       {"vxlan", 6}, {"nat", 4}};

std::uint32_t identification_of(const Bytes& packet) { return get_be16(packet, 4); }

/// Sends the packet where it fits and where it does not, and compares.
void expect_same_in_pieces(NarrowSite& site, const Bytes& frame, std::uint16_t mtu, int vlans) {
  site.set_path(1500, vlans);
  const std::vector<Frame> whole = site.send(frame);
  ASSERT_EQ(whole.size(), 1u);
  const Parts wanted = parts_of(whole[0], vlans, site.outer_length());
  const std::size_t room = mtu - site.outer_length();
  ASSERT_GT(wanted.inner.size(), room);
  site.set_path(mtu, vlans);
  const std::uint64_t forwarded = site.reason(GW_REASON_FORWARDED);
  const std::uint64_t made = site.event(GW_EVENT_FRAGMENT_SENT);
  std::vector<Bytes> fragments;
  for (const Frame& each : site.send(frame)) {
    const Parts parts = parts_of(each, vlans, site.outer_length());
    EXPECT_EQ(parts.link, wanted.link);
    EXPECT_EQ(parts.outer, wanted.outer);
    fragments.push_back(parts.inner);
  }
  const std::size_t header = (wanted.inner[0] & 15u) * 4;
  const std::size_t piece = (room - header) / 8 * 8;
  const std::size_t count = (wanted.inner.size() - header + piece - 1) / piece;
  if (count > Fragments::kMost || room < 68) {
    EXPECT_EQ(fragments.size(), 0u);
    EXPECT_EQ(site.reason(GW_REASON_FORWARDED), forwarded);
    return;
  }
  ASSERT_EQ(fragments.size(), count);
  Bytes inner = reassembled(fragments, room);
  if (site.gives_identifications()) {
    set_be16(inner, 4, identification_of(wanted.inner));
    seal_ipv4(inner);
  }
  EXPECT_EQ(inner, wanted.inner);
  EXPECT_EQ(site.reason(GW_REASON_FORWARDED), forwarded + 1);
  EXPECT_EQ(site.event(GW_EVENT_FRAGMENT_SENT), made + count);
}

TEST(Fragment, PutTogetherTheyAreWhatWouldHaveBeenSent) {
  std::mt19937 random(20);
  for (const TunnelMode& mode : kTunnelModes) {
    SCOPED_TRACE(std::string(mode.forwarding) + " over IPv" + std::to_string(mode.outer_family));
    NarrowSite site({.forwarding = mode.forwarding, .outer_family = mode.outer_family},
                    {.interfaces = 2, .nat_planes = 1});
    for (int round = 0; round < 40; ++round) {
      const Bytes options = random_options(random, random() % 4 == 0 ? random() % 11 : 0);
      const Bytes frame = udp_frame(200 + random() % 1150, options);
      const std::size_t packet = frame.size() - kLinkHeader;
      const std::size_t most = packet - 1;
      site.set_path(1500);
      const auto mtu =
          static_cast<std::uint16_t>(site.outer_length() + 62 + random() % (most - 61));
      SCOPED_TRACE("packet " + std::to_string(packet) + ", MTU " + std::to_string(mtu) +
                   ", options " + std::to_string(options.size()));
      expect_same_in_pieces(site, frame, mtu, static_cast<int>(random() % 3));
    }
    EXPECT_TRUE(adds_up(site.worker().counters()));
  }
}

/// The identifications of what leaves for packets of as many clients, which all have the same.
std::vector<std::uint32_t> identifications(const PlainConfig& config,
                                           WorkerFixture::Options options) {
  NarrowSite site(config, options);
  site.set_path(600);
  std::vector<std::uint32_t> each;
  for (std::uint16_t port = 1000; port < 1040; ++port)
    site.worker().put(0, udp_frame(1400, {}, port));
  site.worker().run_until_idle(kFragmentTime);
  for (const Frame& frame : site.worker().sent(1))
    if ((get_be16(frame, kLinkHeader + 6) & 0x1fff) == 0)  // a first fragment
      each.push_back(identification_of({frame.begin() + kLinkHeader, frame.end()}));
  std::ranges::sort(each);
  return each;
}

TEST(Fragment, BehindATranslatedSourceNoTwoPacketsHaveOneIdentification) {
  for (const unsigned workers : {1u, 2u}) {
    const auto made = identifications(
        {.forwarding = "nat"}, {.interfaces = 2, .workers = workers, .queues = 1, .nat_planes = 1});
    EXPECT_EQ(made.size(), 40u);
    EXPECT_EQ(std::ranges::adjacent_find(made), made.end()) << workers << " workers";
  }
}

TEST(Fragment, AClientThatKeepsItsAddressKeepsItsIdentifications) {
  const Bytes frame = udp_frame(1400);
  const std::uint32_t own = identification_of({frame.begin() + kLinkHeader, frame.end()});
  const auto made =
      identifications({.forwarding = "nat", .snat = false}, {.interfaces = 2, .nat_planes = 1});
  EXPECT_EQ(made, std::vector<std::uint32_t>(40, own));
}

TEST(Fragment, CountsThePacketOnceAsForwarded) {
  NarrowSite site({.forwarding = "ipip"});
  site.set_path(600);
  const Bytes frame = udp_frame(1400);
  EXPECT_EQ(site.send(frame).size(), 3u);
  const gw_counters counters = site.worker().counters();
  EXPECT_EQ(counters.packets_in, 1u);
  EXPECT_EQ(counters.bytes_in, frame.size());
  EXPECT_EQ(counters.reasons[GW_REASON_FORWARDED], 1u);
  EXPECT_EQ(counters.reasons[GW_REASON_MTU_EXCEEDED], 0u);
  EXPECT_EQ(counters.events[GW_EVENT_FLOW_NEW], 1u);
  EXPECT_EQ(counters.events[GW_EVENT_FLOW_MISS], 1u);
  EXPECT_EQ(counters.events[GW_EVENT_FLOW_HIT], 0u);
  EXPECT_EQ(counters.events[GW_EVENT_FRAGMENTED], 1u);
  EXPECT_EQ(counters.events[GW_EVENT_FRAGMENT_SENT], 3u);
  EXPECT_EQ(site.of_backends().packets, 1u);
  EXPECT_EQ(site.of_backends().bytes, frame.size());
  std::uint64_t of_services = 0;
  for (std::uint16_t id = 0; id < 16; ++id) of_services += site.worker().service_traffic(id).bytes;
  EXPECT_EQ(of_services, frame.size());
}

TEST(Fragment, WhatMustNotBeFragmentedIsNot) {
  NarrowSite site({.forwarding = "ipip"});
  site.set_path(600);
  Bytes whole = udp_frame(1400);
  whole[kLinkHeader + 6] |= 0x40;  // DF
  Bytes packet(whole.begin() + kLinkHeader, whole.end());
  seal_ipv4(packet);
  std::copy(packet.begin(), packet.end(), whole.begin() + kLinkHeader);
  EXPECT_TRUE(site.send(whole).empty());
  EXPECT_EQ(site.reason(GW_REASON_TOO_BIG_SENT), 1u);
  Bytes damaged = udp_frame(1400);
  damaged[kLinkHeader + 5] ^= 1;
  EXPECT_TRUE(site.send(damaged).empty());
  EXPECT_EQ(site.reason(GW_REASON_MTU_EXCEEDED), 1u);
  test::FrameSpec spec = test::ipv6_spec();
  spec.protocol = GW_PROTO_UDP;
  spec.data_length = 1400;
  EXPECT_TRUE(site.send(test::make_frame(spec)).empty());
  EXPECT_EQ(site.reason(GW_REASON_TOO_BIG_SENT), 2u);
  site.model().director.on_too_big = model::OnTooBig::kDrop;
  site.set_path(600);
  EXPECT_TRUE(site.send(udp_frame(1400)).empty());
  EXPECT_EQ(site.reason(GW_REASON_MTU_EXCEEDED), 2u);
  EXPECT_EQ(site.event(GW_EVENT_FRAGMENT_SENT), 0u);
}

TEST(Fragment, BurstsOfThemKeepTheirOrder) {
  NarrowSite site({.forwarding = "gue", .outer_family = 6});
  site.set_path(600);
  const Bytes large = udp_frame(1400);
  const Bytes small = udp_frame(10);
  for (int i = 0; i < 50; ++i) {
    site.worker().put(0, large);
    site.worker().put(0, small);
  }
  site.worker().run_until_idle(kFragmentTime);
  const auto sent = site.worker().sent(1);
  ASSERT_EQ(sent.size(), 50u * 4);
  for (std::size_t i = 0; i < sent.size(); ++i)
    EXPECT_EQ(sent[i].size() < 200, i % 4 == 3) << "frame " << i;
  EXPECT_EQ(site.reason(GW_REASON_FORWARDED), 100u);
  EXPECT_TRUE(adds_up(site.worker().counters()));
}

TEST(Fragment, WithoutBuffersNothingIsSentAndNothingLost) {
  NarrowSite site({.forwarding = "ipip"});
  site.set_path(600);
  const unsigned before = site.worker().free_buffers();
  site.worker().put(0, udp_frame(1400));  // three fragments
  site.worker().hide_buffers(2);
  site.worker().run_until_idle(kFragmentTime);
  EXPECT_TRUE(site.worker().sent(1).empty());
  EXPECT_EQ(site.reason(GW_REASON_NO_BUFFER), 1u);
  EXPECT_EQ(site.reason(GW_REASON_FORWARDED), 0u);
  EXPECT_EQ(site.event(GW_EVENT_FRAGMENT_SENT), 0u);
  EXPECT_EQ(site.of_backends().packets, 0u);
  EXPECT_TRUE(adds_up(site.worker().counters()));
  site.worker().give_buffers_back();
  EXPECT_EQ(site.worker().free_buffers(), before);
}

TEST(Fragment, ThoseThatTheDeviceDoesNotTakeAreCounted) {
  NarrowSite site({.forwarding = "ipip"},
                  {.interfaces = 2, .tx_length = 4});  // one place stays empty
  site.set_path(600);
  const unsigned before = site.worker().free_buffers();
  site.worker().put(0, udp_frame(1400));
  site.worker().put(0, udp_frame(1400));
  site.worker().run_until_idle(kFragmentTime);
  EXPECT_EQ(site.reason(GW_REASON_FORWARDED), 1u);
  EXPECT_EQ(site.reason(GW_REASON_TX_FULL), 1u);
  EXPECT_EQ(site.event(GW_EVENT_FRAGMENTED), 1u);
  EXPECT_EQ(site.event(GW_EVENT_FRAGMENT_SENT), 3u);
  EXPECT_EQ(site.of_backends().packets, 1u);
  EXPECT_EQ(site.worker().sent(1).size(), 3u);
  EXPECT_EQ(site.worker().free_buffers(), before);
}

TEST(Fragment, AWorkerWithoutAQueueSendsThemThroughTheOutbox) {
  NarrowSite site({.forwarding = "ipip"}, {.interfaces = 2, .workers = 2, .queues = 1});
  site.set_path(600);
  for (std::uint16_t port = 1000; port < 1016; ++port)
    site.worker().put(0, udp_frame(1400, {}, port));
  site.worker().run_until_idle(kFragmentTime);
  EXPECT_EQ(site.worker().sent(1).size(), 3u * 16);
  const gw_counters first = site.worker().counters(0);
  const gw_counters second = site.worker().counters(1);
  EXPECT_GT(second.events[GW_EVENT_FRAGMENTED], 0u);
  EXPECT_EQ(first.events[GW_EVENT_FRAGMENTED] + second.events[GW_EVENT_FRAGMENTED], 16u);
  EXPECT_TRUE(adds_up(first));
  EXPECT_TRUE(adds_up(second));
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
