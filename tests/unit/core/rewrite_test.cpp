// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/rewrite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {
namespace {

std::span<const std::uint8_t> ipv4_header(const Bytes& bytes, std::size_t at = 14) {
  return std::span(bytes).subspan(at, 20);
}

/// The frame with another id, TTL and a checksum to match.
Bytes with_id_and_ttl(Bytes bytes, std::uint16_t id, std::uint8_t ttl) {
  bytes[18] = static_cast<std::uint8_t>(id >> 8);
  bytes[19] = static_cast<std::uint8_t>(id);
  bytes[22] = ttl;
  bytes[24] = bytes[25] = 0;
  const std::uint16_t checksum = static_cast<std::uint16_t>(~internet_sum(ipv4_header(bytes)));
  bytes[24] = static_cast<std::uint8_t>(checksum >> 8);
  bytes[25] = static_cast<std::uint8_t>(checksum);
  return bytes;
}

/// Decrements in place and compares with a checksum made anew.
void expect_right_checksum(Bytes bytes) {
  gw_work w{};
  w.family = GW_FAMILY_4;
  w.l3_offset = 14;
  const std::uint8_t ttl = bytes[22];
  const Bytes expected =
      with_id_and_ttl(bytes, static_cast<std::uint16_t>(bytes[18] << 8 | bytes[19]),
                      static_cast<std::uint8_t>(ttl - 1));
  ASSERT_EQ(gw_decrement_ttl(bytes.data(), bytes.data() + bytes.size(), &w), GW_GO_ON);
  ASSERT_EQ(bytes, expected) << "TTL " << int{ttl};
}

TEST(Ttl, ChecksumIsRightForEveryHeaderSum) {
  const Bytes frame = make_frame({});
  for (std::uint32_t id = 0; id <= 0xffff; ++id) {
    const auto id16 = static_cast<std::uint16_t>(id);
    for (const int ttl : {2, 64, 255}) {
      ASSERT_NO_FATAL_FAILURE(
          expect_right_checksum(with_id_and_ttl(frame, id16, static_cast<std::uint8_t>(ttl))));
    }
  }
}

TEST(Ttl, ChecksumIsRightForEveryTtl) {
  const Bytes frame = make_frame({});
  for (int ttl = 2; ttl <= 255; ++ttl) {
    for (std::uint32_t id = 0; id <= 0xffff; id += 257) {
      ASSERT_NO_FATAL_FAILURE(expect_right_checksum(
          with_id_and_ttl(frame, static_cast<std::uint16_t>(id), static_cast<std::uint8_t>(ttl))));
    }
  }
}

/// (forwarding, outer family, tags, inner family)
using Template = std::tuple<std::string, int, int, int>;

class TemplateTest : public testing::TestWithParam<Template> {
 protected:
  void SetUp() override {
    const auto [forwarding, outer_family, vlans, inner_family] = GetParam();
    const model::Model model = make_model({.forwarding = forwarding, .outer_family = outer_family});
    ASSERT_TRUE(world_.publish(model, all_resolved(model, vlans)));
    spec_ = inner_family == 4 ? FrameSpec{} : ipv6_spec();
    l2_length_ = 14 + 4 * static_cast<std::size_t>(vlans);
    is_tunnel_ = forwarding != "l2dsr";
    is_udp_ = forwarding == "vxlan" || forwarding == "gue";
    // UDP, VXLAN and Ethernet are 8, 8 and 14 bytes; GRE and GUE 4 each.
    const std::size_t between = forwarding == "vxlan" ? 30
                                : forwarding == "gue" ? 12
                                : forwarding == "gre" ? 4
                                                      : 0;
    outer_family_ = outer_family;
    outer_length_ = is_tunnel_ ? (outer_family == 4 ? 20u : 40u) + between : 0u;
  }

  Bytes forward(const Bytes& bytes) {
    Frame frame(bytes);
    outcome_ = world_.balance(frame);
    EXPECT_TRUE(frame.is_inside_buffer());
    return frame.bytes();
  }

  /// The inner packet as it must be after the outer headers.
  static Bytes inner_of(Bytes bytes, std::uint8_t family) {
    bytes = family == 4 ? with_id_and_ttl(bytes, 0x1234, static_cast<std::uint8_t>(bytes[22] - 1))
                        : bytes;
    if (family == 6) bytes[21]--;
    return {bytes.begin() + 14, bytes.end()};
  }

  CoreWorld world_;
  FrameSpec spec_;
  gw_outcome outcome_{};
  std::size_t l2_length_ = 0;
  std::size_t outer_length_ = 0;
  bool is_tunnel_ = false;
  bool is_udp_ = false;
  int outer_family_ = 4;
};

TEST_P(TemplateTest, InnerPacketFollowsUnchangedButForItsTtl) {
  for (const std::uint16_t data : {0, 1, 2, 3, 511, 1000}) {
    spec_.data_length = data;
    const Bytes in = make_frame(spec_);
    const Bytes out = forward(in);
    ASSERT_EQ(outcome_.reason, GW_REASON_FORWARDED);
    ASSERT_EQ(outcome_.interface_index, 1);
    ASSERT_EQ(out.size(), in.size() - 14 + l2_length_ + outer_length_);
    const Bytes tail(out.begin() + static_cast<std::ptrdiff_t>(l2_length_ + outer_length_),
                     out.end());
    EXPECT_EQ(tail, inner_of(in, spec_.family));
  }
}

TEST_P(TemplateTest, OuterLengthsAndChecksumFit) {
  for (unsigned value = 0; value < 256 && is_tunnel_; ++value) {
    spec_.data_length = static_cast<std::uint16_t>(value * 5);
    Bytes in = make_frame(spec_);
    if (spec_.family == GW_FAMILY_4) {
      in[15] = static_cast<std::uint8_t>(value);
      in = with_id_and_ttl(in, 0x1234, in[22]);
    } else {
      in[14] = static_cast<std::uint8_t>(0x60 | value >> 4);
      in[15] = static_cast<std::uint8_t>(value << 4);
    }
    const Bytes out = forward(in);
    ASSERT_EQ(outcome_.reason, GW_REASON_FORWARDED);
    const std::size_t ip_length = out.size() - l2_length_;
    const std::uint8_t* ip = out.data() + l2_length_;
    if (outer_family_ == 4) {
      ASSERT_EQ(internet_sum(ipv4_header(out, l2_length_)), 0xffff);
      ASSERT_EQ(std::size_t{ip[2]} << 8 | ip[3], ip_length);
      ASSERT_EQ(ip[1], value) << "DSCP and ECN";
      ASSERT_EQ(ip[8], 64);
    } else {
      ASSERT_EQ(std::size_t{ip[4]} << 8 | ip[5], ip_length - 40);
      ASSERT_EQ((ip[0] & 15u) << 4 | ip[1] >> 4, value) << "DSCP and ECN";
      ASSERT_EQ(ip[7], 64);
    }
    if (is_udp_) {
      const std::uint8_t* udp = ip + (outer_family_ == 4 ? 20 : 40);
      ASSERT_EQ(std::size_t{udp[4]} << 8 | udp[5], ip_length - (outer_family_ == 4 ? 20 : 40));
      ASSERT_GE(udp[0], 0xc0) << "source port from 49152";
    }
  }
}

TEST_P(TemplateTest, NeedsExactlyTheRoomThatItsHeadersTake) {
  const Bytes in = make_frame(spec_);
  const std::size_t needed = l2_length_ + outer_length_ - 14;
  for (std::size_t headroom = 0; headroom <= needed; ++headroom) {
    Frame frame(in, headroom);
    const gw_outcome outcome = world_.balance(frame);
    EXPECT_TRUE(frame.is_inside_buffer());
    EXPECT_EQ(outcome.reason, headroom == needed ? GW_REASON_FORWARDED : GW_REASON_NO_HEADROOM);
  }
}

INSTANTIATE_TEST_SUITE_P(All, TemplateTest,
                         testing::Combine(testing::Values("l2dsr", "ipip", "vxlan", "gre", "gue"),
                                          testing::Values(4, 6), testing::Values(0, 1, 2),
                                          testing::Values(4, 6)),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) + "_outer" +
                                  std::to_string(std::get<1>(tested.param)) + "_tags" +
                                  std::to_string(std::get<2>(tested.param)) + "_inner" +
                                  std::to_string(std::get<3>(tested.param));
                         });

/// Entropy: a flow keeps its outer source port, different flows have many.
TEST(Entropy, BelongsToTheFlow) {
  CoreWorld world;
  const model::Model model = make_model({.forwarding = "vxlan"});
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  const auto port_of = [&](std::uint16_t source_port, std::uint8_t flags) {
    Frame frame(make_frame({.source_port = source_port, .tcp_flags = flags}));
    EXPECT_EQ(world.balance(frame).reason, GW_REASON_FORWARDED);
    return frame.bytes()[34] << 8 | frame.bytes()[35];
  };
  std::set<int> ports;
  for (std::uint16_t source_port = 1; source_port <= 500; ++source_port) {
    const int first = port_of(source_port, GW_TCP_SYN);
    EXPECT_EQ(port_of(source_port, GW_TCP_ACK), first);
    EXPECT_GE(first, GW_TUNNEL_PORTS_FIRST);
    ports.insert(first);
  }
  EXPECT_GT(ports.size(), 450u);
}

/// Every even length, against memcpy, within a buffer of exactly that size.
TEST(CopyTemplate, CopiesEveryLengthAndNothingElse) {
  Bytes from(GW_TEMPLATE_SIZE);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(i * 7 + 1);
  for (std::uint32_t length = 0; length <= GW_TEMPLATE_SIZE; length += 2) {
    Bytes to(length);
    ASSERT_TRUE(gw_copy_template(to.data(), to.data() + to.size(), from.data(), length));
    EXPECT_TRUE(std::equal(to.begin(), to.end(), from.begin())) << length;
    if (length > 0) {
      EXPECT_FALSE(gw_copy_template(to.data(), to.data() + to.size() - 1, from.data(), length));
    }
  }
}

/// Tables that nobody should have made: a reason, never a wild access.
class DamagedTableTest : public testing::Test {
 protected:
  void SetUp() override {
    const model::Model model = make_model();
    ASSERT_TRUE(world_.publish(model, all_resolved(model)));
    backends_ = world_.state().backends;
    slots_ = world_.state().slots;
    pools_ = world_.state().pools;
    port_ = world_.port();
    port_.backends = backends_.data();
    port_.slots = slots_.data();
    port_.pools = pools_.data();
  }

  std::uint8_t reason() {
    Frame frame(make_frame({}));
    return gw_balance(&port_, frame.packet(), CoreWorld::kStart_s).reason;
  }

  CoreWorld world_;
  std::vector<gw_backend> backends_;
  std::vector<std::uint16_t> slots_;
  std::vector<gw_pool> pools_;
  gw_port port_{};
};

TEST_F(DamagedTableTest, TemplateTooLong) {
  for (gw_backend& backend : backends_) backend.outer_length = 92;
  EXPECT_EQ(reason(), GW_REASON_BAD_TABLE);
}

TEST_F(DamagedTableTest, EthernetHeaderTooShort) {
  for (gw_backend& backend : backends_) backend.l2_length = 12;
  EXPECT_EQ(reason(), GW_REASON_BAD_TABLE);
}

TEST_F(DamagedTableTest, SlotNamesNoBackend) {
  std::fill(slots_.begin(), slots_.end(), std::uint16_t{5000});
  EXPECT_EQ(reason(), GW_REASON_BAD_TABLE);
  std::fill(slots_.begin(), slots_.end(), std::uint16_t{GW_NO_BACKEND});
  EXPECT_EQ(reason(), GW_REASON_NO_BACKEND);
}

TEST_F(DamagedTableTest, SlotNamesAFreeId) {
  for (gw_backend& backend : backends_) backend.flags = 0;
  EXPECT_EQ(reason(), GW_REASON_BAD_TABLE);
}

TEST_F(DamagedTableTest, SlotsBeyondTheirTable) {
  for (gw_pool& pool : pools_) pool.slot_base = world_.state().header.slot_count;
  EXPECT_EQ(reason(), GW_REASON_NO_BACKEND);
}

}  // namespace
}  // namespace guideway::test
