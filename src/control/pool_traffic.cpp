// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/pool_traffic.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

#include "guideway/core/port_native.h"

namespace guideway::control {
namespace {

bool is_same(const compile::BackendInfo& a, const compile::BackendInfo& b) {
  return b.used && std::tie(a.pool, a.address, a.port) == std::tie(b.pool, b.address, b.port);
}

bool stays(const compile::ForwardingState& now, std::size_t id, const compile::BackendInfo& info) {
  return id < now.backend_info.size() && is_same(info, now.backend_info[id]);
}

std::set<std::string_view> pools_of(const compile::ForwardingState& state) {
  std::set<std::string_view> pools;
  for (const compile::PoolInfo& info : state.pool_info) pools.insert(info.name);
  for (const compile::BackendInfo& info : state.backend_info)
    if (info.used) pools.insert(info.pool);
  return pools;
}

}  // namespace

void PoolTraffic::take_over(const compile::ForwardingState& before,
                            const compile::ForwardingState& now,
                            const std::vector<std::span<gw_traffic>>& rows) {
  for (std::size_t id = 0; id < before.backend_info.size(); id++) {
    const compile::BackendInfo& info = before.backend_info[id];
    if (!info.used || stays(now, id, info)) continue;
    gw_traffic& gone = gone_[info.pool];
    for (const auto row : rows) {
      if (id >= row.size()) continue;
      gone.packets += gw_counter_read(&row[id].packets);
      gone.bytes += gw_counter_read(&row[id].bytes);
      gone.flows += gw_counter_read(&row[id].flows);
    }
  }
  if (gone_.empty()) return;
  const auto pools = pools_of(now);
  std::erase_if(gone_, [&](const auto& entry) { return !pools.contains(entry.first); });
}

gw_traffic PoolTraffic::of(const std::string& pool) const {
  const auto found = gone_.find(pool);
  return found == gone_.end() ? gw_traffic{} : found->second;
}

}  // namespace guideway::control
