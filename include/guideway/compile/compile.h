// SPDX-License-Identifier: Apache-2.0
// compile(): model + next hops + health -> forwarding state. A pure function: same input,
// same bytes. Runs on the helper thread.
// Threading: no state.
#ifndef GUIDEWAY_COMPILE_COMPILE_H_
#define GUIDEWAY_COMPILE_COMPILE_H_

#include <cstdint>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/compile/nat_ids.h"
#include "guideway/compile/next_hop.h"
#include "guideway/compile/pool_guard.h"
#include "guideway/compile/service_table.h"
#include "guideway/core/layout.h"
#include "guideway/health/verdict.h"
#include "guideway/model/model.h"

namespace guideway::compile {

struct Input {
  model::Model model;
  NextHops next_hops;
  model::HashSeed hash_seed{};
  std::uint64_t generation = 0;
  /// Which id every backend has had so far; backends that the model no longer names but whose id is
  /// still held keep a record, so that their old flows stay with them.
  BackendIds ids;
  ServiceIds service_ids;
  NatIds nat_ids;
  /// Of the backends that are checked.
  health::Verdicts verdicts;
  /// Output::pool_memories of the generation before.
  PoolMemories pool_memories;
  /// Output::state of the generation before: tables of pools in which nothing has changed are taken
  /// from it, not built again. Null: all are built; the output is the same.
  ForwardingStatePtr previous;
};

struct Output {
  ForwardingStatePtr state;
  /// `Input::ids` with the new backends added and the missing ones marked removed.
  BackendIds ids;
  ServiceIds service_ids;
  NatIds nat_ids;
  PoolMemories pool_memories;
};

/// Errors: capacity exceeded (ids, slots), a weight that gets no slot, no placement of the services
/// found. The model has passed model::validate() before.
Result<Output> compile(const Input& input);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_COMPILE_H_
