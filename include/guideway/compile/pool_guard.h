// SPDX-License-Identifier: Apache-2.0
// The pool guard: keeps health checks from emptying a pool. From how much of a pool's weight is
// good it decides whether the pool is in panic, with hysteresis, and what it does then; and outside
// of panic, how many backends the checks may take out.
// Threading: no state; what it must remember from one generation to the next is a value.
#ifndef GUIDEWAY_COMPILE_POOL_GUARD_H_
#define GUIDEWAY_COMPILE_POOL_GUARD_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "guideway/compile/effective_weight.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// Of the generation before.
struct PoolMemory {
  bool panic = false;
  /// The backends that were good when the pool was last out of panic.
  std::set<model::BackendKey> good;
  friend bool operator==(const PoolMemory&, const PoolMemory&) = default;
};
using PoolMemories = std::map<std::string, PoolMemory>;  // by pool name

struct GuardedBackend {
  model::BackendKey key;
  WeightFactors factors;
  /// Since when it is unhealthy; the operator's word has no time, and comes first.
  std::chrono::system_clock::time_point bad_since{};
};

enum class PoolState : std::uint8_t {
  kNormal,
  kInitial,  // no backend has a verdict yet, so all are used
  kPanic,
};

struct PoolPlan {
  PoolState state = PoolState::kNormal;
  PoolMode mode = PoolMode::kNormal;
  /// Of the weight of the backends that could be used and have a verdict; 0 to 100.
  std::uint32_t healthy_percent = 100;
  PoolMemory memory;
};

/// Fills `mode` and `kept` of all factors. `fallback_works`: the fallback pool has a backend that
/// takes flows.
PoolPlan guard_pool(const model::PanicPolicy& policy, const PoolMemory& before, bool fallback_works,
                    std::vector<GuardedBackend>& backends);

/// "normal", "initial", "panic".
const char* to_string(PoolState state);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_POOL_GUARD_H_
