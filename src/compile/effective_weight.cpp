// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/effective_weight.h"

namespace guideway::compile {
namespace {

WeightRule good_rule(const WeightFactors& factors) {
  if (factors.forced == model::Forced::kUp) return WeightRule::kForcedUp;
  if (factors.standing == Standing::kUnchecked) return WeightRule::kUnchecked;
  return factors.standing == Standing::kPresumed ? WeightRule::kPresumed : WeightRule::kHealthy;
}

WeightRule bad_rule(const WeightFactors& factors) {
  if (factors.mode == PoolMode::kFailOpen) return WeightRule::kFailOpen;
  if (factors.kept)
    return factors.mode == PoolMode::kHold ? WeightRule::kHeld : WeightRule::kSpared;
  if (factors.forced == model::Forced::kDown) return WeightRule::kForcedDown;
  return factors.standing == Standing::kWaiting ? WeightRule::kWaiting : WeightRule::kUnhealthy;
}

WeightRule rule_of(const WeightFactors& factors) {
  if (factors.state == model::AdminState::kDisabled) return WeightRule::kDisabled;
  if (factors.state == model::AdminState::kDrain) return WeightRule::kDrain;
  if (factors.configured == 0) return WeightRule::kZeroWeight;
  if (!factors.reachable) return WeightRule::kUnreachable;
  if (factors.mode == PoolMode::kFallback) return WeightRule::kFallback;
  return is_good(factors) ? good_rule(factors) : bad_rule(factors);
}

bool gets_flows(WeightRule rule) {
  switch (rule) {
    case WeightRule::kForcedUp:
    case WeightRule::kUnchecked:
    case WeightRule::kPresumed:
    case WeightRule::kHealthy:
    case WeightRule::kFailOpen:
    case WeightRule::kHeld:
    case WeightRule::kSpared:
      return true;
    case WeightRule::kDisabled:
    case WeightRule::kDrain:
    case WeightRule::kZeroWeight:
    case WeightRule::kUnreachable:
    case WeightRule::kFallback:
    case WeightRule::kForcedDown:
    case WeightRule::kWaiting:
    case WeightRule::kUnhealthy:
      break;
  }
  return false;
}

}  // namespace

bool is_usable(const WeightFactors& factors) {
  return factors.state == model::AdminState::kEnabled && factors.configured != 0 &&
         factors.reachable;
}

bool is_good(const WeightFactors& factors) {
  if (factors.forced != model::Forced::kNone) return factors.forced == model::Forced::kUp;
  return factors.standing != Standing::kWaiting && factors.standing != Standing::kUnhealthy;
}

EffectiveWeight effective_weight(const WeightFactors& factors) {
  const WeightRule rule = rule_of(factors);
  return {gets_flows(rule) ? factors.configured : 0, rule};
}

const char* to_string(WeightRule rule) {
  switch (rule) {
    case WeightRule::kDisabled:
      return "disabled";
    case WeightRule::kDrain:
      return "drain";
    case WeightRule::kZeroWeight:
      return "zero_weight";
    case WeightRule::kUnreachable:
      return "unreachable";
    case WeightRule::kFallback:
      return "fallback";
    case WeightRule::kForcedUp:
      return "forced_up";
    case WeightRule::kUnchecked:
      return "unchecked";
    case WeightRule::kPresumed:
      return "presumed";
    case WeightRule::kHealthy:
      return "healthy";
    case WeightRule::kFailOpen:
      return "fail_open";
    case WeightRule::kHeld:
      return "held";
    case WeightRule::kSpared:
      return "spared";
    case WeightRule::kForcedDown:
      return "forced_down";
    case WeightRule::kWaiting:
      return "waiting";
    case WeightRule::kUnhealthy:
      return "unhealthy";
  }
  return "";
}

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kUnchecked:
      return "unchecked";
    case Standing::kPresumed:
      return "presumed";
    case Standing::kHealthy:
      return "healthy";
    case Standing::kWaiting:
      return "waiting";
    case Standing::kUnhealthy:
      return "unhealthy";
  }
  return "";
}

const char* to_string(PoolMode mode) {
  switch (mode) {
    case PoolMode::kNormal:
      return "normal";
    case PoolMode::kFailOpen:
      return "fail_open";
    case PoolMode::kHold:
      return "hold";
    case PoolMode::kFallback:
      return "fallback";
  }
  return "";
}

}  // namespace guideway::compile
