// SPDX-License-Identifier: Apache-2.0
// Which of a pool's own backends get new flows, and why the others do not.
// Threading: no state; the model outlives the plans.
#ifndef GUIDEWAY_COMPILE_PLAN_POOLS_H_
#define GUIDEWAY_COMPILE_PLAN_POOLS_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "guideway/compile/pool_guard.h"
#include "guideway/health/verdict.h"
#include "guideway/model/model.h"

namespace guideway::compile {

struct PlannedPool {
  const model::Pool* pool = nullptr;
  /// Its own, in the model's order.
  std::vector<GuardedBackend> backends;
  PoolPlan plan;
};

/// In the model's order. `is_reachable` says whether the kernel knows a way to a backend.
std::vector<PlannedPool> plan_pools(
    const model::Model& model, const health::Verdicts& verdicts, const PoolMemories& before,
    const std::function<bool(const model::BackendKey&)>& is_reachable);

/// In words; empty if it gets some. `obstacle`: why it cannot be reached.
std::string why_idle(const PlannedPool& planned, const GuardedBackend& backend,
                     const health::Verdicts& verdicts, const std::string& obstacle);

/// It is unhealthy, and its pool can do without it: whoever is on it is better off anew.
bool resets_flows(const WeightFactors& factors);

/// How long after the first of several backends that fail at once the last is known to: until then
/// nobody can say that the pool can do without it.
std::chrono::milliseconds reset_patience(const model::Pool& pool);
/// How long checks take to find a backend healthy that can be reached again.
std::chrono::milliseconds return_patience(const model::Pool& pool);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_PLAN_POOLS_H_
