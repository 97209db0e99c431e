// SPDX-License-Identifier: Apache-2.0
// The answer to a segment of a marked flow, against RFC 9293 §3.10.7.1 (CLOSED state).
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/reset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {
namespace {

std::uint32_t read32(const Bytes& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

/// The answer as the RFC says it: what a closed port would send.
struct RfcAnswer {
  std::uint32_t sequence;
  std::uint32_t acknowledgement;
  std::uint8_t flags;
};

RfcAnswer rfc_answer(const FrameSpec& spec) {
  if (spec.tcp_flags & GW_TCP_ACK) return {spec.acknowledgement, 0, GW_TCP_RST};
  std::uint32_t length = spec.data_length;
  if (spec.tcp_flags & GW_TCP_SYN) ++length;
  if (spec.tcp_flags & GW_TCP_FIN) ++length;
  return {0, spec.sequence + length, GW_TCP_RST | GW_TCP_ACK};
}

class ResetTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const model::Model model = make_model({.forwarding = "vxlan"});
    ASSERT_TRUE(world_.publish(model, all_resolved(model)));
    base_ = GetParam() == 4 ? FrameSpec{} : ipv6_spec();
    tcp_ = GetParam() == 4 ? 34 : 54;
    Frame first(make_frame(base_));
    world_.sweep(world_.balance(first).backend);
  }

  /// Checksum over pseudo header and segment (RFC 9293 §3.1, RFC 8200 §8.1).
  std::uint16_t tcp_sum(const Bytes& bytes) const {
    const std::size_t addresses = GetParam() == 4 ? 26 : 22;
    const std::uint32_t start = GW_PROTO_TCP + static_cast<std::uint32_t>(bytes.size() - tcp_);
    return internet_sum(std::span(bytes).subspan(addresses), start);
  }

  void expect_answer(const FrameSpec& spec) {
    const Bytes in = make_frame(spec);
    Frame frame(in);
    const gw_outcome outcome = world_.balance(frame);
    ASSERT_EQ(outcome.reason, GW_REASON_RESET_SENT);
    const Bytes out = frame.bytes();
    ASSERT_TRUE(frame.is_inside_buffer());
    ASSERT_EQ(out.size(), tcp_ + 20);
    const RfcAnswer answer = rfc_answer(spec);
    EXPECT_EQ(read32(out, tcp_ + 4), answer.sequence);
    EXPECT_EQ(read32(out, tcp_ + 8), answer.acknowledgement);
    EXPECT_EQ(out[tcp_ + 12], 0x50);
    EXPECT_EQ(out[tcp_ + 13], answer.flags);
    EXPECT_EQ(tcp_sum(out), 0xffff);
    expect_turned_around(in, out);
  }

  void expect_turned_around(const Bytes& in, const Bytes& out) const {
    const auto same = [&](std::size_t to, std::size_t from, std::size_t length) {
      return std::equal(out.begin() + static_cast<std::ptrdiff_t>(to),
                        out.begin() + static_cast<std::ptrdiff_t>(to + length),
                        in.begin() + static_cast<std::ptrdiff_t>(from));
    };
    EXPECT_TRUE(same(0, 6, 6) && same(6, 0, 6)) << "MAC addresses";
    EXPECT_TRUE(same(tcp_, tcp_ + 2, 2) && same(tcp_ + 2, tcp_, 2)) << "ports";
    const std::size_t size = GetParam() == 4 ? 4 : 16;
    const std::size_t source = tcp_ - 2 * size;
    EXPECT_TRUE(same(source, source + size, size) && same(source + size, source, size))
        << "addresses";
    if (GetParam() == 4) {
      EXPECT_EQ(internet_sum(std::span(out).subspan(14, 20)), 0xffff);
    }
  }

  CoreWorld world_;
  FrameSpec base_;
  std::size_t tcp_ = 34;
};

/// Every combination of the flags that are answered. SYN without ACK is a new flow, RST never
/// answered.
TEST_P(ResetTest, NumbersAreThoseOfTheRfcForEveryFlag) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    if (flags & GW_TCP_RST || (flags & (GW_TCP_SYN | GW_TCP_ACK)) == GW_TCP_SYN) continue;
    FrameSpec spec = base_;
    spec.tcp_flags = static_cast<std::uint8_t>(flags);
    spec.sequence = 0xfffffffe;
    spec.acknowledgement = 0x11223344;
    spec.data_length = static_cast<std::uint16_t>(flags % 7);
    ASSERT_NO_FATAL_FAILURE(expect_answer(spec)) << "flags " << flags;
  }
}

TEST_P(ResetTest, ChecksumIsRightForRandomNumbers) {
  std::mt19937 random(5);
  for (int i = 0; i < 5000; ++i) {
    FrameSpec spec = base_;
    spec.tcp_flags = i % 2 ? 0x18 : 0x01;
    spec.sequence = random();
    spec.acknowledgement = random();
    spec.data_length = static_cast<std::uint16_t>(random() % 100);
    ASSERT_NO_FATAL_FAILURE(expect_answer(spec));
  }
}

TEST_P(ResetTest, ARstIsNeverAnswered) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    if (!(flags & GW_TCP_RST) || (flags & (GW_TCP_SYN | GW_TCP_ACK)) == GW_TCP_SYN) continue;
    FrameSpec spec = base_;
    spec.tcp_flags = static_cast<std::uint8_t>(flags);
    Frame frame(make_frame(spec));
    EXPECT_EQ(world_.balance(frame).reason, GW_REASON_FORWARDED) << "flags " << flags;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ResetTest, testing::Values(4, 6),
                         [](const auto& tested) { return "IPv" + std::to_string(tested.param); });

/// SYN counts in the segment's length, also together with FIN: called by hand, since a SYN makes a
/// flow.
TEST(ResetNumbers, CountSynAndFin) {
  constexpr std::pair<unsigned, unsigned> kLengthByFlags[] = {
      {0, 0}, {GW_TCP_SYN, 1}, {GW_TCP_FIN, 1}, {GW_TCP_SYN | GW_TCP_FIN, 2}};
  for (const auto& [flags, length] : kLengthByFlags) {
    Bytes bytes = make_frame({.sequence = 1000, .data_length = 10});
    gw_work w;
    ASSERT_EQ(gw_parse(bytes.data(), bytes.data() + bytes.size(), &w), GW_GO_ON);
    w.tcp_flags = static_cast<std::uint8_t>(flags);
    const gw_reset_numbers numbers = gw_reset_choose(bytes.data() + w.l4_offset, &w);
    EXPECT_EQ(numbers.sequence, 0u);
    EXPECT_EQ(gw_swap32(numbers.acknowledgement), 1000 + 10 + length);
    EXPECT_EQ(numbers.flags, std::uint32_t{GW_TCP_RST | GW_TCP_ACK});
  }
}

}  // namespace
}  // namespace guideway::test
