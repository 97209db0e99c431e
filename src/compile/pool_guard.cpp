// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/pool_guard.h"

#include <algorithm>
#include <tuple>

namespace guideway::compile {
namespace {

/// Weights, of the backends that only health could keep from new flows.
struct Sums {
  std::uint64_t all = 0;     // also of those that wait for their first verdict
  std::uint64_t judged = 0;  // without those
  std::uint64_t good = 0;
};

bool is_waiting(const WeightFactors& factors) {
  return factors.forced == model::Forced::kNone && factors.standing == Standing::kWaiting;
}

Sums sums_of(const std::vector<GuardedBackend>& backends) {
  Sums sums;
  for (const GuardedBackend& backend : backends) {
    const WeightFactors& factors = backend.factors;
    if (!is_usable(factors)) continue;
    sums.all += factors.configured;
    if (!is_waiting(factors)) sums.judged += factors.configured;
    if (is_good(factors)) sums.good += factors.configured;
  }
  return sums;
}

bool is_panic(const model::PanicPolicy& policy, bool before, const Sums& sums) {
  const std::uint32_t limit =
      before ? std::min(policy.threshold + policy.hysteresis, 100U) : policy.threshold;
  return sums.good == 0 || sums.good * 100 < limit * sums.judged;
}

/// Marks the last good set; whether anybody is left to take flows.
bool hold(const PoolMemory& before, const Sums& sums, std::vector<GuardedBackend>& backends) {
  bool any = sums.good != 0;
  for (GuardedBackend& backend : backends) {
    backend.factors.kept = before.good.count(backend.key) != 0;
    any = any || (backend.factors.kept && is_usable(backend.factors));
  }
  return any;
}

PoolMode mode_in_panic(const model::PanicPolicy& policy, const PoolMemory& before,
                       bool fallback_works, const Sums& sums,
                       std::vector<GuardedBackend>& backends) {
  if (policy.action == model::PanicAction::kFallback && fallback_works) return PoolMode::kFallback;
  if (policy.action == model::PanicAction::kHold && hold(before, sums, backends))
    return PoolMode::kHold;
  return PoolMode::kFailOpen;
}

/// Spares the backends that failed last, as far as those before them use up what may be ejected.
void spare(const model::PanicPolicy& policy, const Sums& sums,
           std::vector<GuardedBackend>& backends) {
  if (policy.max_ejected_percent >= 100) return;
  std::vector<GuardedBackend*> bad;
  for (GuardedBackend& backend : backends)
    if (is_usable(backend.factors) && !is_good(backend.factors) && !is_waiting(backend.factors))
      bad.push_back(&backend);
  std::sort(bad.begin(), bad.end(), [](const GuardedBackend* a, const GuardedBackend* b) {
    return std::tie(a->bad_since, a->key) < std::tie(b->bad_since, b->key);
  });
  std::uint64_t ejected = 0;
  for (GuardedBackend* backend : bad) {
    ejected += backend->factors.configured;
    backend->factors.kept = ejected * 100 > policy.max_ejected_percent * sums.judged;
  }
}

}  // namespace

PoolPlan guard_pool(const model::PanicPolicy& policy, const PoolMemory& before, bool fallback_works,
                    std::vector<GuardedBackend>& backends) {
  PoolPlan plan;
  plan.memory = before;
  const Sums sums = sums_of(backends);
  // Of backends that nobody could use, health says nothing: a panic is not over with that.
  if (sums.all == 0) {
    if (before.panic) {
      plan.state = PoolState::kPanic;
      plan.healthy_percent = 0;
    }
    return plan;
  }
  if (sums.judged != 0)
    plan.healthy_percent = static_cast<std::uint32_t>(sums.good * 100 / sums.judged);
  if (sums.judged == 0) {
    plan.state = PoolState::kInitial;
    plan.mode = PoolMode::kFailOpen;
  } else if (is_panic(policy, before.panic, sums)) {
    plan.state = PoolState::kPanic;
    plan.mode = mode_in_panic(policy, before, fallback_works, sums, backends);
  } else {
    spare(policy, sums, backends);
    plan.memory.good.clear();
    for (const GuardedBackend& backend : backends)
      if (is_good(backend.factors)) plan.memory.good.insert(backend.key);
  }
  plan.memory.panic = plan.state == PoolState::kPanic;
  for (GuardedBackend& backend : backends) backend.factors.mode = plan.mode;
  return plan;
}

const char* to_string(PoolState state) {
  switch (state) {
    case PoolState::kNormal:
      return "normal";
    case PoolState::kInitial:
      return "initial";
    case PoolState::kPanic:
      return "panic";
  }
  return "";
}

}  // namespace guideway::compile
