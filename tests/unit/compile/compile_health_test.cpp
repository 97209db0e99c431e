// SPDX-License-Identifier: Apache-2.0
// What health makes of a pool's slots.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "compile_input.h"

namespace guideway::compile {
namespace {

health::Verdict verdict(health::State state) {
  return {.state = state, .reason = health::Reason::kTimeout};
}

/// make_input() with a check on pool "web", and these states of b1, b2 and b3.
Input checked(std::vector<health::State> states) {
  Input input = make_input();
  model::Pool& web = input.model.pools[0];
  web.health_check = model::HealthCheck{};
  for (std::size_t i = 0; i < states.size(); ++i)
    input.verdicts[model::key_of(web, web.backends[i])] = verdict(states[i]);
  return input;
}

std::vector<bool> with_slots(const ForwardingState& state) {
  std::vector<bool> result;
  for (int i = 0; i < 3; ++i) result.push_back(state.backend_info[i].slots > 0);
  return result;
}

TEST(CompileHealth, AnUnhealthyBackendGetsNoNewFlowsAndItsOldOnesStartAnew) {
  using enum health::State;
  const auto output = compile(checked({kHealthy, kUnhealthy, kHealthy}));
  ASSERT_TRUE(output);
  const ForwardingState& state = *output->state;
  EXPECT_EQ(with_slots(state), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(state.backend_info[1].reason, "unhealthy: timeout");
  EXPECT_TRUE(state.backend_info[1].resets_flows);
  EXPECT_FALSE(state.backend_info[0].resets_flows);
  EXPECT_EQ(state.pool_info[0].state, PoolState::kNormal);
  EXPECT_EQ(state.pool_info[0].healthy_percent, 66U);
  EXPECT_EQ(state.pool_info[0].slots, 251U);
}

TEST(CompileHealth, FlowsAreNotResetBeforeTheLongestIntervalIsOver) {
  using enum health::State;
  const auto patience = [](std::uint32_t jitter_percent) {
    Input input = checked({kHealthy, kUnhealthy, kHealthy});
    auto& check = *input.model.pools[0].health_check;
    check.interval = std::chrono::milliseconds(10'000);
    check.timeout = std::chrono::milliseconds(1'000);
    check.jitter_percent = jitter_percent;
    const auto output = compile(input);
    return output ? output->state->backend_info[1].reset_patience : std::chrono::milliseconds(0);
  };
  EXPECT_GE(patience(5), std::chrono::milliseconds(10'500 + 1'000));
  EXPECT_GE(patience(50), std::chrono::milliseconds(15'000 + 1'000));
}

TEST(CompileHealth, IfNoneIsHealthyAllAreUsedAndNoFlowIsReset) {
  using enum health::State;
  const auto output = compile(checked({kUnhealthy, kUnhealthy, kInitial}));
  ASSERT_TRUE(output);
  EXPECT_EQ(with_slots(*output->state), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(output->state->pool_info[0].state, PoolState::kPanic);
  EXPECT_EQ(output->state->pool_info[0].mode, PoolMode::kFailOpen);
  EXPECT_FALSE(output->state->backend_info[0].resets_flows);
}

TEST(CompileHealth, ABackendWithoutAVerdictWaitsUnlessItIsPresumedGood) {
  using enum health::State;
  Input input = checked({kHealthy, kInitial, kInitial});
  auto& third =
      input.verdicts[model::key_of(input.model.pools[0], input.model.pools[0].backends[2])];
  third.presumed = true;
  const auto output = compile(input);
  ASSERT_TRUE(output);
  EXPECT_EQ(with_slots(*output->state), (std::vector<bool>{true, false, true}));
  EXPECT_FALSE(output->state->backend_info[1].resets_flows);

  input.verdicts.erase(model::key_of(input.model.pools[0], input.model.pools[0].backends[1]));
  const auto unknown = compile(input);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(with_slots(*unknown->state), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(unknown->state->backend_info[1].reason, "its health check has no result yet");
}

TEST(CompileHealth, TheOperatorsStateAndTheNeighboursComeFirst) {
  using enum health::State;
  Input input = checked({kHealthy, kUnhealthy, kUnhealthy});
  input.model.pools[0].backends[0].state = model::AdminState::kDrain;
  const auto output = compile(input);
  ASSERT_TRUE(output);
  EXPECT_EQ(with_slots(*output->state), (std::vector<bool>{false, true, true}))
      << "of those that may be used none is healthy";
  EXPECT_EQ(output->state->backend_info[0].reason, "drained by the operator");
}

TEST(CompileHealth, WhatNoServiceUsesIsNotChecked) {
  using enum health::State;
  Input input = checked({kUnhealthy, kHealthy, kHealthy});
  std::erase_if(input.model.services, [](const auto& service) { return service.pool == "web"; });
  const auto output = compile(input);
  ASSERT_TRUE(output);
  EXPECT_EQ(with_slots(*output->state), (std::vector<bool>{true, true, true}));
}

TEST(CompileHealth, TheOperatorsWordTakesThePlaceOfTheChecks) {
  using enum health::State;
  Input input = checked({kHealthy, kUnhealthy, kHealthy});
  input.model.pools[0].backends[0].forced = model::Forced::kDown;
  input.model.pools[0].backends[1].forced = model::Forced::kUp;
  const auto output = compile(input);
  ASSERT_TRUE(output);
  const auto& info = output->state->backend_info;
  EXPECT_EQ(with_slots(*output->state), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(info[0].reason, "forced down by the operator");
  EXPECT_TRUE(info[0].resets_flows);
  EXPECT_FALSE(info[1].resets_flows);
  EXPECT_EQ(info[1].effective.rule, WeightRule::kForcedUp);
}

/// checked(), with pool "dns" as what "web" falls back on.
Input with_fallback(std::vector<health::State> states) {
  Input input = checked(std::move(states));
  input.model.pools[0].panic.action = model::PanicAction::kFallback;
  input.model.pools[0].panic.fallback_pool = "dns";
  return input;
}

/// The id of b4 as a guest of pool "web".
std::uint16_t guest_of(const Output& output) {
  return output.ids.find({"web", ip("10.0.0.4"), 0}).value();
}

TEST(CompileFallback, GuestsTakeTheFlowsOfAPoolInPanic) {
  using enum health::State;
  const Output output = compiled(with_fallback({kUnhealthy, kUnhealthy, kUnhealthy}));
  const ForwardingState& state = *output.state;
  const std::uint16_t guest = guest_of(output);
  EXPECT_EQ(with_slots(state), (std::vector<bool>{false, false, false}));
  EXPECT_EQ(state.backend_info[guest].slots, 251U);
  EXPECT_EQ(state.backend_info[guest].home, "dns");
  EXPECT_EQ(state.backends[guest].pool, 0) << "so that the flow is one of this pool's";
  const gw_backend& home = state.backends[output.ids.find({"dns", ip("10.0.0.4"), 0}).value()];
  EXPECT_EQ(state.backends[guest].outer_length, home.outer_length)
      << "in the forwarding mode of its own pool";
  EXPECT_EQ(state.pool_info[0].mode, PoolMode::kFallback);
  EXPECT_EQ(state.backend_info[0].reason, "its pool is in panic: pool dns takes its flows");
  EXPECT_TRUE(state.backend_info[0].resets_flows);
}

TEST(CompileFallback, OtherwiseGuestsWait) {
  using enum health::State;
  const Output output = compiled(with_fallback({kHealthy, kUnhealthy, kUnhealthy}));
  EXPECT_EQ(with_slots(*output.state), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(output.state->backend_info[guest_of(output)].slots, 0U);
  EXPECT_FALSE(output.state->backend_info[guest_of(output)].resets_flows);
  EXPECT_TRUE(output.state->backends[guest_of(output)].flags & GW_BACKEND_USED)
      << "flows that it took before stay with it";
}

TEST(CompileFallback, AFallbackThatCannotBeReachedIsNone) {
  using enum health::State;
  Input input = with_fallback({kUnhealthy, kUnhealthy, kUnhealthy});
  input.next_hops.erase(ip("10.0.0.4"));
  const Output output = compiled(input);
  EXPECT_EQ(with_slots(*output.state), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(output.state->pool_info[0].mode, PoolMode::kFailOpen);
}

TEST(CompileFallback, ABackendOfBothPoolsIsNoGuest) {
  using enum health::State;
  Input input = with_fallback({kUnhealthy, kUnhealthy, kUnhealthy});
  input.model.pools[1].backends.push_back(backend(1));
  const Output output = compiled(input);
  EXPECT_EQ(output.ids.entries().size(), 6U) << "3 own, 2 of dns, 1 guest";
}

TEST(CompileHealth, PanicIsRememberedFromOneGenerationToTheNext) {
  using enum health::State;
  Input input = checked({kHealthy, kUnhealthy, kUnhealthy});
  input.model.pools[0].panic.threshold = 50;
  input.model.pools[0].panic.hysteresis = 30;
  Output output = compiled(input);
  EXPECT_EQ(output.state->pool_info[0].state, PoolState::kPanic);
  input = checked({kHealthy, kHealthy, kUnhealthy});
  input.model.pools[0].panic.threshold = 50;
  input.model.pools[0].panic.hysteresis = 30;
  EXPECT_EQ(compiled(input).state->pool_info[0].state, PoolState::kNormal);
  input.pool_memories = output.pool_memories;
  EXPECT_EQ(compiled(input).state->pool_info[0].state, PoolState::kPanic) << "67 % is below 80 %";
}

}  // namespace
}  // namespace guideway::compile
