// SPDX-License-Identifier: Apache-2.0
// The flow table against a plain map: random packets of a few hundred flows, virtual time over
// several wraps of the 13-bit clock, sweeps, marks and changing backends. The table is large enough
// that nothing is evicted, so both must agree on every packet.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/rounds.h"

namespace guideway::test {
namespace {

enum class Kind { kSyn, kAck, kData, kFin, kRst, kSynAck };
constexpr Kind kKinds[] = {Kind::kSyn, Kind::kAck, Kind::kData,
                           Kind::kFin, Kind::kRst, Kind::kSynAck};

std::uint8_t flags_of(Kind kind) {
  switch (kind) {
    case Kind::kSyn:
      return 0x02;
    case Kind::kAck:
      return 0x10;
    case Kind::kData:
      return 0x18;
    case Kind::kFin:
      return 0x11;
    case Kind::kRst:
      return 0x04;
    case Kind::kSynAck:
      return 0x12;
  }
  return 0;
}

/// (protocol, client port)
using FlowKey = std::pair<std::uint8_t, std::uint16_t>;

enum class Answer { kHit, kMiss, kReset };

/// What DESIGN says, with a map and 64-bit time.
class FlowModel {
 public:
  explicit FlowModel(std::uint64_t tcp_idle_s) : tcp_idle_s_(tcp_idle_s) {}

  struct Flow {
    enum class State { kProbation, kEstablished, kClosing };
    State state = State::kProbation;
    std::uint16_t backend = 0;
    std::uint64_t last_s = 0;
    bool marked = false;
  };

  /// `chosen`: the backend that a new flow would get.
  std::pair<Answer, std::uint16_t> packet(const FlowKey& key, Kind kind, std::uint64_t now_s,
                                          std::uint16_t chosen) {
    const bool is_tcp = key.first == GW_PROTO_TCP;
    const bool is_syn = is_tcp && kind == Kind::kSyn;
    const auto found = flows_.find(key);
    const bool serves = found != flows_.end() && !is_over(key, found->second, now_s) &&
                        !(is_syn && found->second.state == Flow::State::kClosing) &&
                        !(found->second.marked && (is_syn || !is_tcp));
    if (!serves) {
      flows_[key] = {Flow::State::kProbation, chosen, now_s, false};
      return {Answer::kMiss, chosen};
    }
    Flow& flow = found->second;
    flow.last_s = now_s;
    if (is_tcp && (kind == Kind::kFin || kind == Kind::kRst)) flow.state = Flow::State::kClosing;
    if (flow.state == Flow::State::kProbation) flow.state = Flow::State::kEstablished;
    const bool reset = flow.marked && kind != Kind::kRst;
    return {reset ? Answer::kReset : Answer::kHit, flow.backend};
  }

  void mark(std::uint16_t backend, std::uint64_t now_s) {
    for (auto& [key, flow] : flows_) {
      if (flow.backend == backend && !is_swept(flow, now_s)) flow.marked = true;
    }
  }
  std::size_t live(std::uint64_t now_s) const {
    std::size_t count = 0;
    for (const auto& [key, flow] : flows_) count += is_swept(flow, now_s) ? 0 : 1;
    return count;
  }
  std::optional<Flow> find(const FlowKey& key) const {
    const auto found = flows_.find(key);
    if (found == flows_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static constexpr std::uint64_t kUdpIdle_s = 30;

  static bool older_than(const Flow& flow, std::uint64_t now_s, std::uint64_t idle_s) {
    const std::uint64_t limit =
        flow.state == Flow::State::kClosing ? std::min<std::uint64_t>(idle_s, 60) : idle_s;
    return now_s - flow.last_s > limit;
  }
  bool is_over(const FlowKey& key, const Flow& flow, std::uint64_t now_s) const {
    return older_than(flow, now_s, key.first == GW_PROTO_TCP ? tcp_idle_s_ : kUdpIdle_s);
  }
  /// The sweep knows the pool only, so it goes by the longest timeout.
  bool is_swept(const Flow& flow, std::uint64_t now_s) const {
    return older_than(flow, now_s, tcp_idle_s_);
  }

  const std::uint64_t tcp_idle_s_;
  std::map<FlowKey, Flow> flows_;
};

struct ModelCase {
  std::uint32_t seed;
  std::uint32_t tcp_idle_s;
  /// Of the silence that comes now and then.
  std::uint32_t longest_pause_s;
};

class FlowModelTest : public testing::TestWithParam<ModelCase> {
 protected:
  static constexpr WorldSize kRoomy{.buckets_per_shard = 1024};
  static constexpr std::uint32_t kFlows = 300;

  void SetUp() override {
    random_.seed(GetParam().seed);
    model_ = make_model();
    for (model::Service& service : model_.services) {
      if (service.protocol == model::Protocol::kTcp)
        service.idle_timeout = std::chrono::seconds(GetParam().tcp_idle_s);
    }
    publish();
  }

  void publish() {
    ASSERT_TRUE(world_.publish(model_, all_resolved(model_)));
    ASSERT_TRUE(stateless_.publish(model_, all_resolved(model_)));
  }

  std::uint32_t below(std::uint32_t limit) { return random_() % limit; }

  static Frame frame_of(const FlowKey& key, Kind kind) {
    return Frame(make_frame(
        {.protocol = key.first, .source_port = key.second, .tcp_flags = flags_of(kind)}));
  }

  /// The backend that a balancer without memory would choose.
  std::uint16_t choose(const FlowKey& key) {
    std::fill(stateless_.buckets().begin(), stateless_.buckets().end(), gw_flow_bucket{});
    Frame frame = frame_of(key, Kind::kSyn);
    return stateless_.balance(frame).backend;
  }

  void one_packet() {
    const FlowKey key{below(4) == 0 ? GW_PROTO_UDP : GW_PROTO_TCP,
                      static_cast<std::uint16_t>(1024 + below(kFlows))};
    const Kind kind = kKinds[below(std::size(kKinds))];
    const auto [answer, backend] = flows_.packet(key, kind, now_s_, choose(key));
    const gw_counters before = world_.counters();
    Frame frame = frame_of(key, kind);
    const gw_outcome outcome = world_.balance(frame);
    const gw_counters& after = world_.counters();
    ASSERT_EQ(outcome.backend, backend);
    ASSERT_EQ(outcome.reason,
              answer == Answer::kReset ? GW_REASON_RESET_SENT : GW_REASON_FORWARDED);
    ASSERT_EQ(after.events[GW_EVENT_FLOW_MISS] - before.events[GW_EVENT_FLOW_MISS],
              answer == Answer::kMiss ? 1u : 0u);
  }

  /// At most ten seconds between sweeps.
  void pass_time() {
    for (std::uint32_t left_s = below(20) == 0 ? below(GetParam().longest_pause_s) : below(6);
         left_s > 0;) {
      const std::uint32_t step_s = std::min(left_s, 10u);
      left_s -= step_s;
      now_s_ += step_s;
      world_.set_now_s(static_cast<std::uint32_t>(now_s_));
      world_.sweep();
    }
  }

  void change_backends() {
    for (model::Backend& backend : model_.pools[0].backends) {
      backend.state = below(3) == 0 ? model::AdminState::kDrain : model::AdminState::kEnabled;
    }
    model_.pools[0].backends[below(8)].state = model::AdminState::kEnabled;
    publish();
  }

  void mark_one() {
    const std::uint16_t id = static_cast<std::uint16_t>(below(8));
    flows_.mark(id, now_s_);
    world_.sweep(id);
  }

  std::mt19937 random_;
  model::Model model_;
  CoreWorld world_{kRoomy};
  CoreWorld stateless_{{.buckets_per_shard = 1}};
  FlowModel flows_{GetParam().tcp_idle_s};
  std::uint64_t now_s_ = CoreWorld::kStart_s;
};

TEST_P(FlowModelTest, AgreesOnEveryPacket) {
  const int packets = rounds(4, 20);  // before time passes
  for (int i = 0; now_s_ < CoreWorld::kStart_s + 3 * 8192; ++i) {
    for (int j = 0; j < packets; ++j)
      ASSERT_NO_FATAL_FAILURE(one_packet()) << "at " << now_s_ << " s";
    pass_time();
    if (below(50) == 0) change_backends();
    if (below(50) == 0) mark_one();
    world_.sweep();
    ASSERT_EQ(world_.live_flows(), flows_.live(now_s_)) << "at " << now_s_ << " s";
  }
  EXPECT_EQ(world_.counters().events[GW_EVENT_FLOW_EVICTED], 0u);
  EXPECT_EQ(world_.counters().events[GW_EVENT_FLOW_UNTRACKED], 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlowModelTest,
                         testing::Values(ModelCase{1, 350, 500}, ModelCase{2, 350, 500},
                                         ModelCase{3, 4095, 4500}, ModelCase{4, 4095, 7000}));

/// A table of 32 entries under 300 flows: what is established stays, whoever else comes.
TEST(FlowFlood, EstablishedFlowsSurviveAFlood) {
  CoreWorld world({.buckets_per_shard = 4});
  model::Model model = make_model();
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  std::map<std::uint16_t, std::uint16_t> backend_by_port;
  const auto send = [&](std::uint16_t port, std::uint8_t flags) {
    Frame frame(make_frame({.source_port = port, .tcp_flags = flags}));
    return world.balance(frame).backend;
  };
  for (std::uint16_t port = 1; port <= 12; ++port) {
    backend_by_port[port] = send(port, 0x02);
    send(port, 0x10);
  }
  ASSERT_EQ(world.counters().events[GW_EVENT_FLOW_UNTRACKED], 0u);
  for (std::size_t i = 1; i < 8; ++i) model.pools[0].backends[i].state = model::AdminState::kDrain;
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  for (std::uint16_t port = 1000; port < 5000; ++port) send(port, 0x02);
  EXPECT_GT(world.counters().events[GW_EVENT_FLOW_EVICTED], 1000u);
  for (const auto& [port, backend] : backend_by_port) EXPECT_EQ(send(port, 0x10), backend) << port;
}

}  // namespace
}  // namespace guideway::test
