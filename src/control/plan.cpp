// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <algorithm>
#include <span>
#include <string>

namespace guideway::control {
namespace {

std::span<const std::uint16_t> slots_of(const compile::ForwardingState& state, std::size_t pool) {
  const gw_pool& entry = state.pools[pool];
  return std::span(state.slots).subspan(entry.slot_base, entry.slot_count);
}

std::span<const std::uint16_t> slots_of(const compile::ForwardingState& state,
                                        const std::string& pool) {
  for (std::size_t i = 0; i < state.pool_info.size(); i++)
    if (state.pool_info[i].name == pool) return slots_of(state, i);
  return {};
}

/// By share of the hash's range when the tables differ in size.
std::uint32_t moved(std::span<const std::uint16_t> from, std::span<const std::uint16_t> to) {
  if (from.empty() || to.empty()) return static_cast<std::uint32_t>(to.size());
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < to.size(); i++)
    count += from[i * from.size() / to.size()] != to[i] ? 1 : 0;
  return count;
}

}  // namespace

Plan plan_of(const compile::ForwardingState& now, const compile::ForwardingState& next,
             const std::vector<std::uint32_t>& live) {
  Plan plan;
  for (std::size_t i = 0; i < next.pool_info.size(); i++) {
    const auto slots = slots_of(next, i);
    const std::uint32_t count = moved(slots_of(now, next.pool_info[i].name), slots);
    if (count != 0)
      plan.pools.push_back(
          {next.pool_info[i].name, static_cast<std::uint32_t>(slots.size()), count});
  }
  for (std::size_t id = 0; id < now.backend_info.size(); id++) {
    const compile::BackendInfo& before = now.backend_info[id];
    if (!before.used || before.removed) continue;
    const bool stays = id < next.backend_info.size() && next.backend_info[id].used &&
                       !next.backend_info[id].removed;
    if (stays) continue;
    plan.removed.push_back({{config::ResourcePath::Kind::kBackend, before.pool, before.name},
                            id < live.size() ? live[id] : 0});
  }
  return plan;
}

}  // namespace guideway::control
