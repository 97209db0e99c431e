// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/loads.h"

#include <algorithm>
#include <utility>

#include "guideway/core/port_native.h"

namespace guideway::control {
namespace {

std::size_t length_of(const Loads::Rows& rows) { return rows.empty() ? 0 : rows.front().size(); }

}  // namespace

Loads::Loads(Rows rows)
    : rows_(std::move(rows)),
      before_walk_(length_of(rows_)),
      counted_(length_of(rows_)),
      live_(length_of(rows_)),
      own_(rows_.size()) {}

/// By all workers, ever.
std::uint64_t Loads::made(std::size_t id) const {
  std::uint64_t sum = 0;
  for (const auto row : rows_) sum += gw_counter_read(&row[id].flows);
  return sum;
}

void Loads::begin_walk() {
  for (std::size_t id = 0; id < before_walk_.size(); id++) before_walk_[id] = made(id);
}

void Loads::end_walk(std::span<const std::uint32_t> live) {
  for (std::size_t id = 0; id < counted_.size(); id++) {
    counted_[id] = before_walk_[id] + (made(id) - before_walk_[id]) / 2;
    live_[id] = id < live.size() ? live[id] : 0;
  }
}

void Loads::tell(const compile::ForwardingState& state) {
  const std::size_t count = std::min(state.backends.size(), counted_.size());
  for (std::size_t id = 0; id < count; id++) {
    const std::uint16_t pool = state.backends[id].pool;
    if (pool >= state.pool_info.size() || !model::goes_by_load(state.pool_info[pool].scheduler))
      continue;
    // Each worker's count is read once: what it makes meanwhile it adds itself.
    std::uint64_t load = live_[id] - counted_[id];
    for (std::size_t i = 0; i < rows_.size(); i++)
      load += own_[i] = gw_counter_read(&rows_[i][id].flows);
    for (std::size_t i = 0; i < rows_.size(); i++)
      __atomic_store_n(&rows_[i][id].load_offset, load - own_[i], __ATOMIC_RELAXED);
  }
}

}  // namespace guideway::control
