// SPDX-License-Identifier: Apache-2.0
// The NAT table under two workers at once.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/nat_table.h"

namespace guideway::test {
namespace {

constexpr std::uint32_t kConcurrent_s = 1000;

/// Two workers insert, find and free the flows of the same few buckets. Whatever a reader takes for
/// valid is whole: its backend and its return path are those that belong to its client.
TEST(NatTable, TwoThreadsNeverSeeHalfAnEntry) {
  std::vector<gw_nat_bucket> buckets(GW_NAT_PLANE);
  gw_state state{};
  state.nat_address_count = 1;
  const std::uint8_t seed[16] = {9};
  const gw_hash_key secret = gw_hash_expand(seed);
  std::atomic<std::uint32_t> wrong{0};
  std::atomic<std::uint32_t> made{0};
  const auto work = [&](std::uint32_t thread) {
    gw_port port{};
    port.state = &state;
    port.nat_buckets = buckets.data();
    port.nat_bucket_count = GW_NAT_PLANE;
    std::mt19937 random(thread);
    for (std::uint32_t step = 0; step < 200'000; step++) {
      gw_nat_query query{};
      query.key.client[0] = random() % 64;
      query.key.tail = gw_nat_tail(0x50000400u, GW_PROTO_UDP, GW_FAMILY_4);
      query.hash = gw_nat_hash(&secret, &query.key) & 0xffffffff00000000u;  // two buckets for all
      query.now_s = kConcurrent_s;
      const auto client = static_cast<std::uint32_t>(query.key.client[0]);
      if (gw_nat_find(&port, &query) == GW_NAT_NO_PLACE) {
        gw_nat_start start{};
        start.backend = client;
        start.settings = client;
        for (std::uint64_t& each : start.path) each = client;
        if (gw_nat_insert(&port, &query, &start) != GW_NAT_NO_PLACE) made++;
      } else if (gw_nat_backend(query.word) != client) {
        wrong++;
      }
      // As a reply does: by place alone.
      const std::uint32_t place =
          gw_nat_place(gw_nat_candidate(&query, random() % 2), random() % 8);
      std::uint64_t* word = &buckets[place >> 3].ways.words[place & 7];
      const gw_nat_entry& entry = buckets[place >> 3].entries[place & 7];
      const std::uint64_t seen = gw_word_acquire(word);
      if (gw_nat_state(seen) != GW_NAT_VALID) continue;
      const std::uint64_t who = gw_flow_load(&entry.client[0]);
      const std::uint64_t path = gw_flow_load(&entry.path[3]);
      const std::uint64_t settings = gw_flow_load(&entry.settings);
      if (gw_word_check(word) != seen) continue;
      if (who != gw_nat_backend(seen) || path != who || settings != who) wrong++;
      if (random() % 4 == 0) gw_word_swap(word, seen, gw_nat_freed(seen, kConcurrent_s));
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(made, 1000U);
}

}  // namespace
}  // namespace guideway::test
