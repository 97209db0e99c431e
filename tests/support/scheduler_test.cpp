// SPDX-License-Identifier: Apache-2.0
// What each scheduler promises, by counts, through whatever make_scheduler_world() makes, with one
// shard and with two.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/generations.h"
#include "tests/support/plain_config.h"
#include "tests/support/scheduler_world.h"
// After the port header, which frame.h brings.
#include "guideway/core/hash.h"

namespace guideway::test {
namespace {

using model::Scheduler;

constexpr unsigned kNewFlows = 10'000;
/// "Within 2 % of share", as a part of the share.
constexpr double kShareTolerance = 0.02;

constexpr Scheduler kAllSchedulers[] = {
    Scheduler::kMaglev, Scheduler::kRoundRobin, Scheduler::kWeightedRoundRobin,
    Scheduler::kLeastConnections, Scheduler::kWeightedLeastConnections};
const std::vector<std::uint32_t> kWeights = {100, 50, 150, 200, 25, 300, 75, 100};

class SchedulerTest : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    world_ = make_scheduler_world(shards());
    ASSERT_TRUE(world_);
  }

  unsigned shards() const { return GetParam(); }
  /// Where a flow's packets come in.
  unsigned home(unsigned flow) const { return static_cast<unsigned>(gw_spread(flow) % shards()); }

  void use(Scheduler scheduler, const std::vector<std::uint32_t>& weights,
           const std::string& hash = "five_tuple") {
    model_ = make_model({.hash = hash});
    model::Pool& pool = model_.pools[0];
    pool.scheduler = scheduler;
    pool.backends.resize(weights.size(), pool.backends[0]);
    for (std::size_t i = 0; i < weights.size(); i++) {
      pool.backends[i].name = "b" + std::to_string(i);
      pool.backends[i].address = IpAddress::v4({10, 0, 1, static_cast<std::uint8_t>(i)});
      pool.backends[i].weight = weights[i];
    }
    publish();
  }
  void publish() {
    auto state = generations_.next(model_, all_resolved(model_));
    ASSERT_TRUE(state) << state.error().message;
    state_ = *state;
    const auto published = world_->publish(std::move(*state));
    ASSERT_TRUE(published) << published.error().message;
  }
  void enable(std::size_t backend, bool enabled) {
    model_.pools[0].backends[backend].state =
        enabled ? model::AdminState::kEnabled : model::AdminState::kDrain;
  }

  static FrameSpec spec_of(unsigned flow, std::uint8_t flags = GW_TCP_SYN) {
    FrameSpec spec;
    spec.source = {192, 0, 2, static_cast<std::uint8_t>(flow % 250)};
    spec.source_port = static_cast<std::uint16_t>(1024 + flow / 250);
    spec.tcp_flags = flags;
    return spec;
  }
  void send(const FrameSpec& spec, unsigned shard) {
    const auto sent = world_->send(make_frame(spec), shard);
    ASSERT_TRUE(sent) << sent.error().message;
  }
  /// The next new flows, a hundred at a time by shard: changing the CPU takes long.
  std::vector<unsigned> new_flows(unsigned count) {
    std::vector<unsigned> flows(count);
    std::iota(flows.begin(), flows.end(), next_flow_);
    next_flow_ += count;
    std::ranges::stable_sort(flows, {},
                             [&](unsigned flow) { return std::pair(flow / 100, home(flow)); });
    return flows;
  }
  void start_flows(unsigned count) {
    for (const unsigned flow : new_flows(count)) send(spec_of(flow), home(flow));
  }

  /// Packets so far, by place in the pool.
  std::vector<std::uint64_t> counts() {
    std::vector<std::uint64_t> sums(model_.pools[0].backends.size());
    for (const auto row : world_->backend_rows())
      for (std::size_t i = 0; i < sums.size(); i++) sums[i] += row[id_of(i)].packets;
    return sums;
  }
  std::vector<std::uint64_t> counts_of(unsigned flows) {
    const auto before = counts();
    start_flows(flows);
    auto after = counts();
    for (std::size_t i = 0; i < after.size(); i++) after[i] -= before[i];
    return after;
  }
  std::uint16_t id_of(std::size_t backend) const {
    const model::Pool& pool = model_.pools[0];
    return *state_->ids.find(model::key_of(pool, pool.backends[backend]));
  }
  /// The place in the pool of the backend that this packet goes to.
  std::size_t backend_of(const FrameSpec& spec, unsigned shard) {
    const auto before = counts();
    send(spec, shard);
    const auto after = counts();
    std::size_t found = after.size();
    for (std::size_t i = 0; i < after.size(); i++)
      if (after[i] != before[i]) found = i;
    EXPECT_LT(found, after.size()) << "no backend got the packet";
    return found;
  }
  /// What the sweep would say: these live flows, by place in the pool.
  void tell(const std::vector<std::uint64_t>& live) {
    const auto rows = world_->backend_rows();
    for (std::size_t i = 0; i < live.size(); i++)
      for (const auto row : rows) row[id_of(i)].load_offset = live[i] - row[id_of(i)].flows;
  }

  void expect_shares(const std::vector<std::uint64_t>& got,
                     const std::vector<std::uint32_t>& weights) {
    const double flows = static_cast<double>(std::accumulate(got.begin(), got.end(), 0ULL));
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < got.size(); i++) {
      const double share = flows * weights[i] / sum;
      EXPECT_NEAR(static_cast<double>(got[i]), share, share * kShareTolerance) << "backend " << i;
    }
  }

  std::unique_ptr<SchedulerWorld> world_;
  model::Model model_;
  Generations generations_{kSchedulerBackends};
  compile::ForwardingStatePtr state_;
  unsigned next_flow_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Shards, SchedulerTest, testing::Values(1U, 2U));

TEST_P(SchedulerTest, RoundRobinCountsDifferByAtMostTheShards) {
  use(Scheduler::kRoundRobin, {100, 10, 50, 1000, 100, 100, 7});
  const auto got = counts_of(kNewFlows);
  const auto [least, most] = std::minmax_element(got.begin(), got.end());
  EXPECT_LE(*most - *least, shards());
}

TEST_P(SchedulerTest, WeightedRoundRobinGivesShares) {
  use(Scheduler::kWeightedRoundRobin, kWeights);
  expect_shares(counts_of(kNewFlows), kWeights);
}

TEST_P(SchedulerTest, LeastConnectionsGivesEqualSharesWhenNoFlowEnds) {
  use(Scheduler::kLeastConnections, kWeights);
  expect_shares(counts_of(kNewFlows), std::vector<std::uint32_t>(kWeights.size(), 1));
}

TEST_P(SchedulerTest, WeightedLeastConnectionsGivesSharesWhenNoFlowEnds) {
  use(Scheduler::kWeightedLeastConnections, kWeights);
  expect_shares(counts_of(kNewFlows), kWeights);
}

TEST_P(SchedulerTest, LeastConnectionsSparesWhoHasJustGotAThousandFlows) {
  for (const std::size_t backends : {2U, 3U, 4U, 8U}) {
    use(Scheduler::kLeastConnections, std::vector<std::uint32_t>(backends, 100));
    tell(std::vector<std::uint64_t>(backends, 0));
    for (std::size_t i = 1; i < backends; i++) enable(i, false);
    publish();
    ASSERT_EQ(counts_of(1000)[0], 1000U);
    for (std::size_t i = 1; i < backends; i++) enable(i, true);
    publish();
    EXPECT_EQ(counts_of(500)[0], 0U) << backends << " backends";
  }
}

TEST_P(SchedulerTest, LeastConnectionsSparesWhomTheSweepFoundLoaded) {
  use(Scheduler::kLeastConnections, std::vector<std::uint32_t>(8, 100));
  tell({0, 0, 0, 1000, 0, 0, 0, 0});
  const auto got = counts_of(500);
  EXPECT_EQ(got[3], 0U);
  // … and the others share, also those that met it often.
  for (std::size_t i = 0; i < got.size(); i++) {
    if (i == 3) continue;
    EXPECT_NEAR(static_cast<double>(got[i]), 500.0 / 7, 4) << i;
  }
}

/// The largest number of flows that `backend` gets of any `window` in a row, as a multiple of its
/// share.
double most_of_any(const std::vector<std::size_t>& chosen, std::size_t backend, std::size_t window,
                   double share) {
  std::size_t most = 0;
  for (std::size_t begin = 0; begin + window <= chosen.size(); begin++) {
    const auto first = chosen.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = first + static_cast<std::ptrdiff_t>(window);
    most = std::max(most, static_cast<std::size_t>(std::count(first, last, backend)));
  }
  return static_cast<double>(most) / (share * static_cast<double>(window));
}

TEST_P(SchedulerTest, AFreshBackendIsNotFlooded) {
  for (const Scheduler scheduler :
       {Scheduler::kLeastConnections, Scheduler::kWeightedLeastConnections}) {
    const bool weighted = model::is_weighted(scheduler);
    const std::vector<std::uint32_t> weights = weighted ? kWeights : std::vector(20, 100U);
    use(scheduler, weights);
    std::vector<std::uint64_t> live(weights.begin(), weights.end());
    for (auto& flows : live) flows *= 100;
    live[1] = 0;
    tell(live);
    std::vector<std::size_t> chosen;
    for (const unsigned flow : new_flows(2500))
      chosen.push_back(backend_of(spec_of(flow), home(flow)));
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    const double times = most_of_any(chosen, 1, 1000, weights[1] / sum);
    EXPECT_LE(times, 4.0);
    EXPECT_GT(times, 1.5) << "it is to be filled up faster than the others";
  }
}

TEST_P(SchedulerTest, AFlowKeepsItsBackendAtAnyShard) {
  for (const Scheduler scheduler : kAllSchedulers) {
    for (const char* hash : {"five_tuple", "source_port"}) {
      use(scheduler, kWeights, hash);
      for (unsigned i = 0; i < 30; i++, next_flow_++) {
        const unsigned other = (home(next_flow_) + 1) % shards();
        FrameSpec spec = spec_of(next_flow_);
        const std::size_t first = backend_of(spec, home(next_flow_));
        EXPECT_EQ(backend_of(spec, home(next_flow_)), first) << "SYN again";
        EXPECT_EQ(backend_of(spec, other), first) << "SYN again, elsewhere";
        spec.tcp_flags = GW_TCP_ACK;
        EXPECT_EQ(backend_of(spec, other), first) << "ACK";
        EXPECT_EQ(backend_of(spec, home(next_flow_)), first) << "ACK";

        spec.protocol = GW_PROTO_UDP;
        const std::size_t udp = backend_of(spec, home(next_flow_));
        EXPECT_EQ(backend_of(spec, other), udp) << "UDP";
        EXPECT_EQ(backend_of(spec, home(next_flow_)), udp) << "UDP";
      }
    }
  }
}

TEST_P(SchedulerTest, ATcpFlowThatIsNotKnownGoesByItsSlot) {
  const unsigned first_flow = next_flow_;
  std::vector<std::size_t> by_slot;
  use(Scheduler::kMaglev, kWeights);
  for (unsigned i = 0; i < 200; i++)
    by_slot.push_back(backend_of(spec_of(first_flow + i), home(first_flow + i)));
  for (const Scheduler scheduler : kAllSchedulers) {
    world_.reset();  // DPDK has room for one at a time
    world_ = make_scheduler_world(shards());
    ASSERT_TRUE(world_);
    use(scheduler, kWeights);
    for (unsigned i = 0; i < 200; i++) {
      const FrameSpec spec = spec_of(first_flow + i, GW_TCP_ACK);
      ASSERT_EQ(backend_of(spec, home(first_flow + i)), by_slot[i]) << "flow " << i;
    }
  }
}

}  // namespace
}  // namespace guideway::test
