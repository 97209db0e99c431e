// SPDX-License-Identifier: Apache-2.0
// One shard, several CPUs at once, as generic XDP runs it: no entry is torn, none leads to a wrong
// backend, every flow that was told about its end is found, and the counters add up.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/xdp_world.h"

namespace guideway::test {
namespace {

constexpr std::uint32_t kBuckets = 1024;
constexpr std::uint32_t kFlows = 2000;

FrameSpec spec_of(std::uint32_t flow, std::uint8_t tcp_flags) {
  FrameSpec spec;
  spec.source = {10, 0, static_cast<std::uint8_t>(flow >> 8), static_cast<std::uint8_t>(flow)};
  spec.source_port = static_cast<std::uint16_t>(1024 + (flow >> 16));
  spec.tcp_flags = tcp_flags;
  return spec;
}

std::vector<unsigned> usable_cpus() {
  std::vector<unsigned> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

class Concurrent : public testing::Test {
 protected:
  void SetUp() override {
    cpus_ = usable_cpus();
    ASSERT_GE(cpus_.size(), 2U) << "one CPU cannot run two packets at once";
    cpus_.resize(std::min<std::size_t>(cpus_.size(), 4));
    const model::Model model = make_model();
    ASSERT_TRUE(core_.publish(model, all_resolved(model)));
    auto program = XdpWorld::load({.buckets_per_shard = kBuckets});
    ASSERT_TRUE(program) << program.error().message;
    program_ = std::move(*program);
    auto published = program_->publish(std::make_shared<compile::ForwardingState>(core_.state()));
    ASSERT_TRUE(published) << published.error().message;
  }

  /// What the core, alone, makes of each flow's first packet.
  void expect_flows(std::uint32_t count) {
    for (std::uint32_t flow = 0; flow < count; flow++) {
      Frame frame(make_frame(spec_of(flow, 0x02)));
      std::ranges::fill(core_.buckets(), gw_flow_bucket{});
      const gw_outcome outcome = core_.balance(frame);
      ASSERT_EQ(outcome.verdict, GW_FORWARD);
      macs_.push_back(mac_of(frame.bytes()));
      for (const gw_flow_bucket& bucket : core_.buckets())
        for (const std::uint64_t word : bucket.words)
          if (word != 0) backends_[gw_flow_tag(word)].insert(gw_flow_backend(word));
    }
  }

  static Bytes mac_of(const Bytes& frame) { return {frame.begin(), frame.begin() + 6}; }

  /// Sends a packet of the flow; counts it as wrong unless it goes where it must.
  void send(std::uint32_t flow, std::uint8_t tcp_flags) {
    const auto ran = program_->run(make_frame(spec_of(flow, tcp_flags)));
    sent_++;
    if (!ran || ran->verdict != GW_FORWARD || mac_of(ran->bytes) != macs_[flow]) wrong_++;
  }

  /// Runs `work(thread, of)` on each CPU at once.
  template <typename Work>
  void on_every_cpu(Work work) {
    std::atomic<unsigned> ready{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < cpus_.size(); i++) {
      threads.emplace_back([&, i] {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpus_[i], &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0) wrong_++;
        ready++;
        while (ready < cpus_.size()) std::this_thread::yield();
        work(i, static_cast<unsigned>(cpus_.size()));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void require_whole_table() {
    for (const gw_flow_bucket& bucket : program_->buckets()) {
      for (const std::uint64_t word : bucket.words) {
        if (word == 0) continue;
        const auto expected = backends_.find(gw_flow_tag(word));
        ASSERT_NE(expected, backends_.end()) << std::hex << word << " has nobody's tag";
        ASSERT_TRUE(expected->second.contains(gw_flow_backend(word)))
            << std::hex << word << " leads to a backend that its flow never had";
        ASSERT_NE(gw_flow_state(word), GW_FLOW_EMPTY) << std::hex << word;
        ASSERT_EQ(gw_flow_age(word, program_->now_s()), 0U) << std::hex << word;
        ASSERT_FALSE(gw_flow_marked(word)) << std::hex << word;
      }
    }
  }

  void require_sums() {
    const gw_counters counters = program_->counters();
    EXPECT_EQ(counters.packets_in, sent_);
    EXPECT_EQ(counters.reasons[GW_REASON_FORWARDED], sent_);
    EXPECT_EQ(counters.events[GW_EVENT_FLOW_HIT] + counters.events[GW_EVENT_FLOW_MISS], sent_);
    std::uint64_t packets = 0;
    std::uint64_t flows = 0;
    for (const gw_traffic& traffic : program_->backend_traffic()) {
      packets += traffic.packets;
      flows += traffic.flows;
    }
    EXPECT_EQ(packets, sent_);
    EXPECT_EQ(flows, counters.events[GW_EVENT_FLOW_NEW]);
    EXPECT_EQ(counters.events[GW_EVENT_FLOW_NEW] + counters.events[GW_EVENT_FLOW_UNTRACKED],
              counters.events[GW_EVENT_FLOW_MISS]);
  }

  /// Every flow has an entry: one more packet of it is a hit.
  void require_found(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t flow = first; flow < last; flow++) {
      const std::uint64_t hits = program_->counters().events[GW_EVENT_FLOW_HIT];
      send(flow, 0x10);
      ASSERT_EQ(program_->counters().events[GW_EVENT_FLOW_HIT], hits + 1) << "flow " << flow;
    }
  }

  CoreWorld core_{{.buckets_per_shard = kBuckets}};
  std::unique_ptr<XdpWorld> program_;
  std::vector<unsigned> cpus_;
  std::vector<Bytes> macs_;                                    // [flow]
  std::map<std::uint32_t, std::set<std::uint32_t>> backends_;  // tag → what its flows may have
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> wrong_{0};
};

TEST_F(Concurrent, TheSameFlowsEverywhere) {
  expect_flows(kFlows);
  on_every_cpu([&](unsigned, unsigned) {
    for (std::uint32_t flow = 0; flow < kFlows; flow++)
      for (const std::uint8_t flags : {0x02, 0x10, 0x10, 0x18}) send(flow, flags);
  });
  EXPECT_EQ(wrong_, 0U);
  require_whole_table();
  require_found(0, kFlows);
  require_sums();
}

TEST_F(Concurrent, FlowsOfItsOwnOnEachCpu) {
  expect_flows(kFlows);
  on_every_cpu([&](unsigned thread, unsigned of) {
    for (int turn = 0; turn < 4; turn++)
      for (std::uint32_t flow = thread; flow < kFlows; flow += of)
        send(flow, turn == 0 ? 0x02 : 0x10);
  });
  EXPECT_EQ(wrong_, 0U);
  require_whole_table();
  require_found(0, kFlows);
  require_sums();
}

TEST_F(Concurrent, AFloodBesideEstablishedFlows) {
  constexpr std::uint32_t kFlood = 12000;
  expect_flows(kFlows + kFlood);
  for (std::uint32_t flow = 0; flow < kFlows; flow++)
    for (const std::uint8_t flags : {0x02, 0x10}) send(flow, flags);
  on_every_cpu([&](unsigned thread, unsigned) {
    if (thread == 0) {
      for (std::uint32_t flow = kFlows; flow < kFlows + kFlood; flow++) send(flow, 0x02);
    } else {
      for (int turn = 0; turn < 6; turn++)
        for (std::uint32_t flow = 0; flow < kFlows; flow++) send(flow, 0x10);
    }
  });
  EXPECT_EQ(wrong_, 0U);
  require_whole_table();
  require_found(0, kFlows);
  require_sums();
}

}  // namespace
}  // namespace guideway::test
