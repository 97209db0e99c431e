// SPDX-License-Identifier: Apache-2.0
#include "plan_pools.h"

#include <algorithm>

namespace guideway::compile {
namespace {

/// Null: there is no verdict.
Standing standing_of(bool is_checked, const health::Verdict* verdict) {
  if (!is_checked) return Standing::kUnchecked;
  if (verdict == nullptr) return Standing::kWaiting;
  switch (verdict->state) {
    case health::State::kHealthy:
      return Standing::kHealthy;
    case health::State::kUnhealthy:
      return Standing::kUnhealthy;
    case health::State::kInitial:
      break;
  }
  return verdict->presumed ? Standing::kPresumed : Standing::kWaiting;
}

/// What the checks have against a backend.
std::string why_not_healthy(const health::Verdicts& verdicts, const model::BackendKey& key) {
  const auto found = verdicts.find(key);
  if (found == verdicts.end()) return "its health check has no result yet";
  const health::Verdict& verdict = found->second;
  if (verdict.state == health::State::kInitial) return "its health check has not succeeded yet";
  return std::string("unhealthy: ") + health::to_string(verdict.reason) +
         (verdict.detail.empty() ? "" : " (" + verdict.detail + ")");
}

bool takes_flows(const PlannedPool& planned) {
  return std::any_of(
      planned.backends.begin(), planned.backends.end(),
      [](const GuardedBackend& backend) { return effective_weight(backend.factors).weight != 0; });
}

/// A pool that is in panic itself is no help.
bool can_help(const std::vector<PlannedPool>& pools, const std::string& name) {
  const auto found = std::find_if(pools.begin(), pools.end(), [&](const PlannedPool& planned) {
    return planned.pool->name == name;
  });
  return found != pools.end() && found->plan.state == PoolState::kNormal && takes_flows(*found);
}

/// Until so many probes of each backend are over.
std::chrono::milliseconds patience(const model::Pool& pool, unsigned probes) {
  using std::chrono::milliseconds;
  if (!pool.health_check) return milliseconds(0);
  // Probes are up to an interval apart, with its jitter; and a generation takes its time.
  constexpr milliseconds kBuild{200};
  const model::HealthCheck& check = *pool.health_check;
  constexpr unsigned kLatePercent = 5;  // the loop's own
  const auto most = check.interval * (100 + check.jitter_percent + kLatePercent) / 100;
  return probes * most + check.timeout + kBuild;
}

}  // namespace

std::vector<PlannedPool> plan_pools(
    const model::Model& model, const health::Verdicts& verdicts, const PoolMemories& before,
    const std::function<bool(const model::BackendKey&)>& is_reachable) {
  std::vector<PlannedPool> all;
  for (const model::Pool& pool : model.pools) {
    const bool is_checked = pool.health_check && !model::services_of(model, pool.name).empty();
    PlannedPool planned{&pool, {}, {}};
    for (const model::Backend& backend : pool.backends) {
      const model::BackendKey key = model::key_of(pool, backend);
      const auto found = verdicts.find(key);
      const health::Verdict* verdict = found == verdicts.end() ? nullptr : &found->second;
      planned.backends.push_back({key,
                                  {backend.weight, backend.state, is_reachable(key), backend.forced,
                                   standing_of(is_checked, verdict)},
                                  verdict == nullptr || backend.forced != model::Forced::kNone
                                      ? std::chrono::system_clock::time_point{}
                                      : verdict->since});
    }
    all.push_back(std::move(planned));
  }
  // Those that others fall back on first: they have no fallback themselves.
  for (const bool falls_back : {false, true}) {
    for (PlannedPool& planned : all) {
      const model::PanicPolicy& policy = planned.pool->panic;
      if ((policy.action == model::PanicAction::kFallback) != falls_back) continue;
      const auto memory = before.find(planned.pool->name);
      planned.plan =
          guard_pool(policy, memory == before.end() ? PoolMemory{} : memory->second,
                     falls_back && can_help(all, policy.fallback_pool), planned.backends);
    }
  }
  return all;
}

std::string why_idle(const PlannedPool& planned, const GuardedBackend& backend,
                     const health::Verdicts& verdicts, const std::string& obstacle) {
  switch (effective_weight(backend.factors).rule) {
    case WeightRule::kDisabled:
      return "disabled by the operator";
    case WeightRule::kDrain:
      return "drained by the operator";
    case WeightRule::kZeroWeight:
      return "its weight is 0";
    case WeightRule::kUnreachable:
      return obstacle;
    case WeightRule::kFallback:
      return "its pool is in panic: pool " + planned.pool->panic.fallback_pool + " takes its flows";
    case WeightRule::kForcedDown:
      return "forced down by the operator";
    case WeightRule::kWaiting:
    case WeightRule::kUnhealthy:
      return why_not_healthy(verdicts, backend.key);
    default:
      return "";
  }
}

std::chrono::milliseconds reset_patience(const model::Pool& pool) { return patience(pool, 1); }

std::chrono::milliseconds return_patience(const model::Pool& pool) {
  return pool.health_check ? patience(pool, pool.health_check->healthy_threshold)
                           : std::chrono::milliseconds(0);
}

bool resets_flows(const WeightFactors& factors) {
  if (!is_usable(factors) || is_good(factors) || effective_weight(factors).weight != 0)
    return false;
  return factors.forced == model::Forced::kDown || factors.standing == Standing::kUnhealthy;
}

}  // namespace guideway::compile
