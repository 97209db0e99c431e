// SPDX-License-Identifier: Apache-2.0
// What compile() makes of a pool's scheduler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

#include "guideway/compile/compile.h"

namespace guideway::compile {
namespace {

using model::Scheduler;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// One pool with backends of these weights, all reachable, and a service on it.
Input scheduled_input(Scheduler scheduler, const std::vector<std::uint32_t>& weights) {
  Input input;
  input.ids = BackendIds(16);
  model::Pool pool;
  pool.name = "web";
  pool.table_size = 251;
  pool.scheduler = scheduler;
  for (const std::uint32_t weight : weights) {
    model::Backend backend;
    backend.name = "b" + std::to_string(pool.backends.size());
    backend.address = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(pool.backends.size())});
    backend.weight = weight;
    NextHop& hop = input.next_hops[backend.address];
    hop.state = NextHop::State::kResolved;
    pool.backends.push_back(backend);
  }
  model::Service service;
  service.name = "http";
  service.address = IpAddress::v4({203, 0, 113, 10});
  service.port = 80;
  service.pool = "web";
  input.model.pools = {pool};
  input.model.services = {service};
  return input;
}

ForwardingStatePtr state_of(const Input& input) {
  const Result<Output> output = compile(input);
  EXPECT_TRUE(output) << output.error().message;
  return output ? output->state : std::make_shared<ForwardingState>();
}

std::vector<std::uint16_t> ring_in(const ForwardingState& state) {
  const gw_pool& pool = state.pools.at(0);
  const auto ring = std::span(state.slots).subspan(pool.ring_base, pool.ring_count);
  return {ring.begin(), ring.end()};
}

std::uint16_t service_flags(const ForwardingState& state) {
  for (const gw_service& service : state.services)
    if (service.protocol == GW_PROTO_TCP) return service.flags;
  return 0;
}

TEST(CompileScheduler, MaglevHasNoRing) {
  const auto state = state_of(scheduled_input(Scheduler::kMaglev, {1, 2}));
  EXPECT_THAT(ring_in(*state), IsEmpty());
  EXPECT_EQ(state->slots.size(), 251U);
  EXPECT_EQ(service_flags(*state) & (GW_SERVICE_BY_TURNS | GW_SERVICE_BY_LOAD), 0U);
}

TEST(CompileScheduler, TheRingStandsBehindTheSlotsWhichStayMaglevs) {
  const auto maglev = state_of(scheduled_input(Scheduler::kMaglev, {1, 2}));
  const auto state = state_of(scheduled_input(Scheduler::kWeightedRoundRobin, {1, 2}));
  EXPECT_THAT(ring_in(*state), ElementsAre(1, 0, 1));
  EXPECT_EQ(state->header.slot_count, 254U);
  EXPECT_TRUE(std::equal(maglev->slots.begin(), maglev->slots.end(), state->slots.begin()));
}

TEST(CompileScheduler, OnlyTheWeightedOnesHeedWeights) {
  const auto even = state_of(scheduled_input(Scheduler::kRoundRobin, {1, 2}));
  EXPECT_THAT(ring_in(*even), ElementsAre(0, 1));
  EXPECT_EQ(service_flags(*even) & GW_SERVICE_BY_LOAD, 0U);
  const auto least = state_of(scheduled_input(Scheduler::kLeastConnections, {1, 2}));
  EXPECT_THAT(ring_in(*least), ElementsAre(0, 1));
  EXPECT_EQ(least->backends[0].load_weight, 1U);
  EXPECT_EQ(least->backends[1].load_weight, 1U);
  const auto weighted = state_of(scheduled_input(Scheduler::kWeightedLeastConnections, {1, 2}));
  EXPECT_THAT(ring_in(*weighted), ElementsAre(1, 0, 1));
  EXPECT_EQ(weighted->backends[1].load_weight, 2U);
  EXPECT_EQ(service_flags(*weighted) & (GW_SERVICE_BY_TURNS | GW_SERVICE_BY_LOAD),
            std::uint32_t{GW_SERVICE_BY_TURNS | GW_SERVICE_BY_LOAD});
}

TEST(CompileScheduler, WhoTakesNoNewFlowsHasNoTurn) {
  Input input = scheduled_input(Scheduler::kRoundRobin, {5, 0, 5, 5});
  input.model.pools[0].backends[2].state = model::AdminState::kDrain;
  EXPECT_THAT(ring_in(*state_of(input)), ElementsAre(0, 3));
  for (auto& backend : input.model.pools[0].backends) backend.state = model::AdminState::kDisabled;
  EXPECT_THAT(ring_in(*state_of(input)), IsEmpty());
}

// So that no weight and no change of health can make a ring that has no room.
TEST(CompileScheduler, ARingCountsAgainstTheCapacityAtItsLongest) {
  Input input = scheduled_input(Scheduler::kRoundRobin, {1, 1});
  input.model.capacity.slots = 501;
  const Result<Output> refused = compile(input);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("502 slots together"));
  input.model.capacity.slots = 502;
  EXPECT_TRUE(compile(input));
  input.model.pools[0].backends[0].weight = 250;
  input.model.pools[0].backends[1].weight = 997;
  input.model.pools[0].scheduler = Scheduler::kWeightedRoundRobin;
  EXPECT_EQ(state_of(input)->slots.size(), 502U);
}

}  // namespace
}  // namespace guideway::compile
