// SPDX-License-Identifier: Apache-2.0
#include "pool_tables.h"

#include <algorithm>
#include <utility>

#include "guideway/compile/schedule_ring.h"

namespace guideway::compile {
namespace {

std::vector<std::uint16_t> part_of(const ForwardingState& state, std::uint32_t base,
                                   std::uint32_t count) {
  const std::span<const std::uint16_t> part = std::span(state.slots).subspan(base, count);
  return {part.begin(), part.end()};
}

}  // namespace

Result<PoolTables> make_pool_tables(const model::Pool& pool,
                                    std::span<const MaglevBackend> eligible) {
  PoolTables tables;
  auto slots = maglev_table(eligible, pool.table_size);
  if (!slots) return tl::unexpected(slots.error());
  tables.slots = std::move(*slots);
  if (!model::takes_turns(pool.scheduler)) return tables;
  std::vector<MaglevBackend> turns(eligible.begin(), eligible.end());
  if (!model::is_weighted(pool.scheduler))
    for (MaglevBackend& backend : turns) backend.weight = 1;
  auto ring = schedule_ring(turns, pool.table_size);
  if (!ring) return tl::unexpected(ring.error());
  tables.ring = std::move(*ring);
  return tables;
}

PreviousTables::PreviousTables(const ForwardingState* state) : state_(state) {
  if (state_ == nullptr) return;
  for (std::size_t id = 0; id < state_->pool_info.size(); ++id)
    pools_.emplace(state_->pool_info[id].name, id);
}

std::optional<PoolTables> PreviousTables::find(const model::Pool& pool,
                                               std::span<const MaglevBackend> eligible) const {
  const auto found = pools_.find(pool.name);
  if (found == pools_.end()) return std::nullopt;
  const PoolInfo& info = state_->pool_info[found->second];
  const gw_pool& entry = state_->pools[found->second];
  const bool is_same = entry.slot_count == pool.table_size && info.scheduler == pool.scheduler &&
                       std::ranges::equal(info.eligible, eligible);
  if (!is_same) return std::nullopt;
  return PoolTables{part_of(*state_, entry.slot_base, entry.slot_count),
                    part_of(*state_, entry.ring_base, entry.ring_count)};
}

}  // namespace guideway::compile
