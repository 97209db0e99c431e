// SPDX-License-Identifier: Apache-2.0
// FlowTableTest: packets of chosen flows through the core, and the words that they leave in the
// table. Threading: one thread.
#ifndef GUIDEWAY_TESTS_UNIT_CORE_FLOW_FIXTURE_H_
#define GUIDEWAY_TESTS_UNIT_CORE_FLOW_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"

namespace guideway::test {

constexpr std::uint8_t kFin = GW_TCP_FIN;
constexpr std::uint8_t kSyn = GW_TCP_SYN;
constexpr std::uint8_t kRst = GW_TCP_RST;
constexpr std::uint8_t kAck = GW_TCP_ACK;

/// A world with tables so small that tests choose a flow's buckets.
class FlowTableTest : public testing::Test {
 protected:
  void SetUp() override { start({.buckets_per_shard = 4}); }

  void start(WorldSize size) {
    world_ = CoreWorld(size);
    model_ = make_model();
    ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  }

  gw_outcome send(const FrameSpec& spec, std::uint32_t shard = 0) {
    Frame frame(make_frame(spec));
    return world_.balance(frame, shard);
  }
  gw_outcome send(std::uint8_t flags, std::uint16_t port = 40000) {
    return send({.source_port = port, .tcp_flags = flags});
  }
  gw_outcome send_udp(std::uint16_t port = 40000) {
    return send({.protocol = GW_PROTO_UDP, .source_port = port});
  }

  std::uint64_t event(gw_event event, std::uint32_t shard = 0) {
    return world_.counters(shard).events[event];
  }

  /// The only entry of the table.
  std::uint64_t only_word() {
    std::vector<std::uint64_t> words = all_words();
    EXPECT_EQ(words.size(), 1u);
    return words.empty() ? 0 : words.front();
  }
  std::vector<std::uint64_t> all_words() {
    std::vector<std::uint64_t> words;
    for (const gw_flow_bucket& bucket : world_.buckets()) {
      std::copy_if(std::begin(bucket.words), std::end(bucket.words), std::back_inserter(words),
                   [](std::uint64_t word) { return word != 0; });
    }
    return words;
  }
  std::uint32_t only_state() { return gw_flow_state(only_word()); }

  /// Backends of pool web but b11 drained, or none.
  void drain_all_but_first(bool drain) {
    for (std::size_t i = 1; i < model_.pools[0].backends.size(); ++i) {
      model_.pools[0].backends[i].state =
          drain ? model::AdminState::kDrain : model::AdminState::kEnabled;
    }
    ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
  }

  CoreWorld world_;
  model::Model model_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_UNIT_CORE_FLOW_FIXTURE_H_
