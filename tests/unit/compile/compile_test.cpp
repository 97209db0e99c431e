// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "compile_input.h"
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/hash.h"

namespace guideway::compile {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

std::vector<std::uint16_t> slots_of(const ForwardingState& state, std::size_t pool) {
  const auto begin = state.slots.begin() + state.pools[pool].slot_base;
  return {begin, begin + state.pools[pool].slot_count};
}

TEST(Compile, AHealthyModel) {
  const Input input = make_input();
  const Output output = compiled(input);
  const ForwardingState& state = *output.state;
  EXPECT_EQ(state.generation(), 7u);
  EXPECT_EQ(state.header.service_count, state.services.size());
  EXPECT_EQ(state.header.pool_count, 2u);
  EXPECT_EQ(state.header.slot_count, 251u + 67u);
  EXPECT_EQ(state.header.backend_count, 4u);
  EXPECT_EQ(state.header.flags, GW_STATE_FRAGMENT);
  const gw_hash_key key = gw_hash_expand(input.hash_seed.data());
  EXPECT_EQ(std::memcmp(&state.header.hash_key, &key, sizeof key), 0);

  ASSERT_EQ(state.service_info.size(), 3u);
  EXPECT_EQ(state.service_info[2].name, "names");
  EXPECT_EQ(state.service_info[2].protocol, GW_PROTO_UDP);
  ASSERT_EQ(state.pool_info.size(), 2u);
  EXPECT_EQ(state.pool_info[1].name, "dns");
  EXPECT_EQ(state.pool_info[1].slots, 67u);
  EXPECT_EQ(state.pools[1].slot_base, 251u);
  EXPECT_THAT(slots_of(state, 1), Each(3));

  std::uint32_t slots = 0;
  for (std::uint16_t id = 0; id < 3; ++id) {
    const BackendInfo& info = state.backend_info[id];
    EXPECT_TRUE(info.used);
    EXPECT_FALSE(info.removed);
    EXPECT_EQ(info.pool, "web");
    EXPECT_EQ(info.name, "b" + std::to_string(id + 1));
    EXPECT_EQ(info.weight, 100u);
    EXPECT_EQ(info.reason, "");
    const auto own = slots_of(state, 0);
    EXPECT_EQ(info.slots, std::count(own.begin(), own.end(), id));
    EXPECT_GE(info.slots, 83u);
    EXPECT_LE(info.slots, 84u);
    slots += info.slots;
    EXPECT_EQ(state.backends[id].pool, 0);
    EXPECT_EQ(state.backends[id].sweep_timeout_s, 350);
    EXPECT_EQ(state.backends[id].flags,
              GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_TAKES_NEW);
  }
  EXPECT_EQ(slots, 251u);
  EXPECT_EQ(state.backends[3].pool, 1);
  EXPECT_EQ(state.backends[3].sweep_timeout_s, 30);
  EXPECT_EQ(state.backends[3].outer_length, 20);
}

template <typename T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

TEST(Compile, TheSameInputGivesTheSameBytes) {
  const Output a = compiled(make_input());
  const Output b = compiled(make_input());
  EXPECT_EQ(std::memcmp(&a.state->header, &b.state->header, sizeof(gw_state)), 0);
  EXPECT_TRUE(same_bytes(a.state->services, b.state->services));
  EXPECT_TRUE(same_bytes(a.state->pools, b.state->pools));
  EXPECT_EQ(a.state->slots, b.state->slots);
  EXPECT_TRUE(same_bytes(a.state->backends, b.state->backends));
}

/// Slots by address instead of by id, which may differ.
std::vector<IpAddress> slot_addresses(const ForwardingState& state, std::size_t pool) {
  std::vector<IpAddress> result;
  for (const std::uint16_t id : slots_of(state, pool)) {
    result.push_back(state.backend_info[id].address);
  }
  return result;
}

TEST(Compile, TheOrderAndNamesOfBackendsAndPoolsDoNotMoveSlots) {
  Input input = make_input();
  const Output before = compiled(input);
  std::reverse(input.model.pools[0].backends.begin(), input.model.pools[0].backends.end());
  std::reverse(input.model.pools.begin(), input.model.pools.end());
  for (model::Backend& b : input.model.pools[1].backends) b.name += "-renamed";
  const Output after = compiled(input);
  EXPECT_EQ(slot_addresses(*after.state, 1), slot_addresses(*before.state, 0));
  EXPECT_EQ(slot_addresses(*after.state, 0), slot_addresses(*before.state, 1));
}

TEST(Compile, IdsStayWhenTheModelChanges) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  auto& backends = input.model.pools[0].backends;
  backends.insert(backends.begin(), backend(5));
  const Output after = compiled(input);
  EXPECT_EQ(after.state->backend_info[0].name, "b1");
  EXPECT_EQ(after.state->backend_info[4].name, "b5");
}

struct Idle {
  const char* name;
  void (*change)(Input&);
  const char* reason;
};

class CompileIdle : public ::testing::TestWithParam<Idle> {};

INSTANTIATE_TEST_SUITE_P(
    Reasons, CompileIdle,
    ::testing::Values(
        Idle{"drained",
             [](Input& i) { i.model.pools[0].backends[1].state = model::AdminState::kDrain; },
             "drained by the operator"},
        Idle{"disabled",
             [](Input& i) { i.model.pools[0].backends[1].state = model::AdminState::kDisabled; },
             "disabled by the operator"},
        Idle{"weightless", [](Input& i) { i.model.pools[0].backends[1].weight = 0; },
             "its weight is 0"},
        Idle{"unknown", [](Input& i) { i.next_hops.erase(ip("10.0.0.2")); }, "no neighbour yet"},
        Idle{"silent",
             [](Input& i) { i.next_hops[ip("10.0.0.2")].state = NextHop::State::kFailed; },
             "does not answer"},
        Idle{"unreachable",
             [](Input& i) { i.next_hops[ip("10.0.0.2")].state = NextHop::State::kNoRoute; },
             "no route"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(CompileIdle, KeepsItsRecordAndGetsNoSlot) {
  Input input = make_input();
  GetParam().change(input);
  const Output output = compiled(input);
  const BackendInfo& info = output.state->backend_info[1];
  EXPECT_THAT(info.reason, HasSubstr(GetParam().reason));
  EXPECT_EQ(info.slots, 0u);
  EXPECT_FALSE(info.removed);
  EXPECT_TRUE(output.state->backends[1].flags & GW_BACKEND_USED);
  EXPECT_FALSE(output.state->backends[1].flags & GW_BACKEND_TAKES_NEW);
  EXPECT_EQ(output.state->backends[1].pool, 0);
  EXPECT_THAT(slots_of(*output.state, 0), ::testing::Not(::testing::Contains(1)));
  EXPECT_EQ(output.state->pools[0].slot_count, 251u);
}

TEST(Compile, ADrainedBackendCanStillBeSentTo) {
  Input input = make_input();
  input.model.pools[0].backends[1].state = model::AdminState::kDrain;
  EXPECT_TRUE(compiled(input).state->backends[1].flags & GW_BACKEND_RESOLVED);
}

TEST(Compile, APoolWithoutAnyBackendTakesNoFlows) {
  Input input = make_input();
  for (auto& b : input.model.pools[0].backends) b.state = model::AdminState::kDrain;
  const Output output = compiled(input);
  EXPECT_EQ(output.state->pools[0].slot_count, 0u);
  EXPECT_EQ(output.state->pool_info[0].slots, 0u);
  EXPECT_EQ(output.state->pools[1].slot_base, 0u);
  EXPECT_THAT(slots_of(*output.state, 1), Each(3));
}

TEST(Compile, ARemovedBackendKeepsItsRecordForItsOldFlows) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  input.model.pools[0].backends.erase(input.model.pools[0].backends.begin());
  const Output output = compiled(input);
  EXPECT_TRUE(output.ids.at(0).removed);
  const BackendInfo& info = output.state->backend_info[0];
  EXPECT_TRUE(info.used);
  EXPECT_TRUE(info.removed);
  EXPECT_EQ(info.name, "b1");
  EXPECT_EQ(info.slots, 0u);
  EXPECT_EQ(info.reason, "removed from the configuration");
  EXPECT_EQ(output.state->backends[0].pool, 0);
  EXPECT_EQ(output.state->backends[0].sweep_timeout_s, 350);
  EXPECT_EQ(output.state->backends[0].flags, GW_BACKEND_USED | GW_BACKEND_RESOLVED);
}

TEST(Compile, ARemovedBackendIsSentToAsBeforeWhateverBecameOfItsPool) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  input.model.pools[1].backends = {backend(5)};
  input.model.pools[1].forwarding = model::Forwarding::kL2Dsr;
  const Output output = compiled(input);
  EXPECT_EQ(output.state->backends[3].outer_length, 20);
  EXPECT_EQ(output.state->backends[4].outer_length, 0);
}

TEST(Compile, ARemovedPoolsBackendsBelongToNoPool) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  input.model.pools.erase(input.model.pools.begin() + 1);
  input.model.services.erase(input.model.services.begin() + 1);
  const Output output = compiled(input);
  EXPECT_EQ(output.state->backends[3].pool, 0xffff);
  EXPECT_EQ(output.state->backends[3].sweep_timeout_s, 30);
  EXPECT_EQ(output.state->backend_info[3].pool, "dns");
  EXPECT_EQ(output.state->backend_info[3].slots, 0u);
}

TEST(Compile, ABackendThatComesBackHasItsOldId) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  const auto gone = input.model.pools[0].backends;
  input.model.pools[0].backends.erase(input.model.pools[0].backends.begin());
  input.ids = compiled(input).ids;
  input.model.pools[0].backends = gone;
  const Output output = compiled(input);
  EXPECT_FALSE(output.ids.at(0).removed);
  EXPECT_EQ(output.state->backend_info[0].reason, "");
  EXPECT_GT(output.state->backend_info[0].slots, 0u);
}

TEST(Compile, AFreedIdLeavesAnUnusedRecord) {
  Input input = make_input();
  input.ids = compiled(input).ids;
  input.model.pools[0].backends.erase(input.model.pools[0].backends.begin());
  input.ids = compiled(input).ids;
  input.ids.release(0);
  const Output output = compiled(input);
  EXPECT_EQ(output.state->header.backend_count, 4u);
  EXPECT_EQ(output.state->backends[0].flags, 0);
  EXPECT_FALSE(output.state->backend_info[0].used);
}

TEST(Compile, TheLongestTimeoutOfAPoolsServicesCountsAndOutlivesThem) {
  Input input = make_input();
  auto slow = input.model.services[0];
  slow.port = 443;
  slow.idle_timeout = std::chrono::seconds(900);
  input.model.services.push_back(slow);
  const Output with = compiled(input);
  EXPECT_EQ(with.state->backends[0].sweep_timeout_s, 900);
  input.ids = with.ids;
  std::erase_if(input.model.services, [](const auto& s) { return s.pool == "web"; });
  EXPECT_EQ(compiled(input).state->backends[0].sweep_timeout_s, 900);
}

TEST(Compile, AnyPortIsFlagged) {
  Input input = make_input();
  input.model.services[0].port = 0;
  EXPECT_EQ(compiled(input).state->header.flags, GW_STATE_ANY_PORT | GW_STATE_FRAGMENT);
}

TEST(Compile, WhatTheDirectorDoesWithIcmpAndUnservedPorts) {
  Input input = make_input();
  EXPECT_EQ(compiled(input).state->header.icmp_rate, 1000u);
  input.model.director.vip_icmp = model::VipIcmp::kKernel;
  input.model.director.on_too_big = model::OnTooBig::kDrop;
  EXPECT_EQ(compiled(input).state->header.flags, GW_STATE_ECHO_TO_KERNEL);
  input.model.director.unserved_ports = model::UnservedPorts::kDrop;
  input.model.director.icmp_rate = 7;
  EXPECT_EQ(compiled(input).state->header.flags, GW_STATE_ECHO_TO_KERNEL | GW_STATE_DROP_UNSERVED);
  EXPECT_EQ(compiled(input).state->header.icmp_rate, 7u);
}

TEST(Compile, AnEmptyModel) {
  Input input;
  input.ids = BackendIds(4);
  const Output output = compiled(input);
  EXPECT_TRUE(output.state->backends.empty());
  EXPECT_TRUE(output.state->slots.empty());
  EXPECT_GT(output.state->services.size(), 0u);
}

TEST(Compile, MoreThanTheCapacityIsRefused) {
  Input input = make_input();
  input.model.capacity.slots = 317;
  EXPECT_THAT(error_of(input), HasSubstr("318 slots together, more than capacity.slots = 317"));
  input.model.capacity.slots = 318;
  EXPECT_EQ(error_of(input), "no error");

  input.model.capacity.pools = 1;
  EXPECT_THAT(error_of(input), HasSubstr("2 pools are more than capacity.pools = 1"));
  input.model.capacity.pools = 2;

  input.model.capacity.services = 2;
  EXPECT_THAT(error_of(input), HasSubstr("3 services (tcp_udp counts twice)"));
  input.model.capacity.services = 3;

  input.ids = BackendIds(3);
  EXPECT_THAT(error_of(input), HasSubstr("capacity.backends = 3"));
  input.ids = BackendIds(4);
  EXPECT_EQ(error_of(input), "no error");
}

TEST(Compile, HeldIdsCountAgainstTheCapacity) {
  Input input = make_input();
  input.ids = BackendIds(4);
  input.ids = compiled(input).ids;
  input.model.pools[0].backends[0] = backend(5);
  EXPECT_THAT(error_of(input), HasSubstr("capacity.backends = 4"));
  EXPECT_THAT(error_of(input), HasSubstr("wait"));
}

TEST(Compile, AWeightTooSmallForTheTableIsRefusedWhileItIsDrainedToo) {
  Input input = make_input();
  input.model.pools[0].backends[0].weight = 1;
  input.model.pools[0].backends[1].weight = 1000;
  EXPECT_THAT(error_of(input), HasSubstr("pool web: a backend with weight 1 of 1101"));
  input.model.pools[0].backends[0].state = model::AdminState::kDrain;
  EXPECT_THAT(error_of(input), HasSubstr("pool web"));
  input.model.pools[0].backends[0].weight = 0;
  EXPECT_EQ(error_of(input), "no error");
}

TEST(Compile, ASourceOfTheOtherFamilyNamesPoolAndBackend) {
  Input input = make_input();
  input.model.pools[1].source = ip("2001:db8::1");
  EXPECT_THAT(error_of(input), HasSubstr("pool dns, backend b4: source 2001:db8::1"));
}

}  // namespace
}  // namespace guideway::compile
