// SPDX-License-Identifier: Apache-2.0
// The same text compiled as C11 and as C++20 gives the same results.
#include "tests/unit/core/c11_core.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {
namespace {

TEST(C11, StructuresHaveTheSameSize) {
  std::array<std::size_t, 3> sizes{};
  c11_sizes(sizes.data());
  EXPECT_EQ(sizes,
            (std::array<std::size_t, 3>{sizeof(gw_work), sizeof(gw_outcome), sizeof(gw_counters)}));
}

TEST(C11, KeysAndSweepAgree) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::array<std::uint8_t, 16> seed{};
    for (std::uint8_t& byte : seed) byte = static_cast<std::uint8_t>(random());
    const gw_hash_key c = c11_hash_expand(seed.data());
    const gw_hash_key cpp = gw_hash_expand(seed.data());
    EXPECT_EQ(std::memcmp(&c, &cpp, sizeof c), 0);
    const std::uint64_t word = random();
    const auto now_s = static_cast<std::uint32_t>(random());
    const std::uint32_t timeout_s = now_s % 4096;
    EXPECT_EQ(c11_flow_swept(word, now_s, timeout_s, i & 1),
              gw_flow_swept(word, now_s, timeout_s, i & 1));
  }
}

TEST(C11, PacketsComeOutAlike) {
  for (const char* forwarding : {"l2dsr", "ipip", "vxlan", "gre", "gue"}) {
    CoreWorld c({.buckets_per_shard = 4, .shards = 2}), cpp({.buckets_per_shard = 4, .shards = 2});
    const model::Model model = make_model({.forwarding = forwarding});
    ASSERT_TRUE(c.publish(model, all_resolved(model)));
    ASSERT_TRUE(cpp.publish(model, all_resolved(model)));
    std::mt19937 random(17);
    for (int i = 0; i < 5000; ++i) {
      FrameSpec spec = i % 3 ? FrameSpec{} : ipv6_spec();
      spec.source_port = static_cast<std::uint16_t>(random() % 100);
      spec.tcp_flags = static_cast<std::uint8_t>(random());
      spec.protocol = random() % 3 ? GW_PROTO_TCP : GW_PROTO_UDP;
      Bytes bytes = make_frame(spec);
      if (i % 5 == 0)
        bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
      Frame ours(bytes), theirs(bytes);
      const std::uint32_t shard = random() % 2;
      const gw_outcome outcome = cpp.balance(ours, shard);
      const gw_outcome other = c11_balance(&c.port(shard), theirs.packet(), c.now_s());
      ASSERT_EQ(std::memcmp(&outcome, &other, sizeof outcome), 0);
      ASSERT_EQ(ours.bytes(), theirs.bytes());
    }
    EXPECT_EQ(std::memcmp(c.buckets().data(), cpp.buckets().data(), 8 * sizeof(gw_flow_bucket)), 0);
    EXPECT_EQ(std::memcmp(&c.counters(0), &cpp.counters(0), sizeof(gw_counters)), 0);
  }
}

}  // namespace
}  // namespace guideway::test
