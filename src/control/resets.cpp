// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/resets.h"

namespace guideway::control {

std::vector<bool> Resets::due(const compile::ForwardingState& state, Clock::time_point now) {
  std::vector<bool> due(state.backend_info.size());
  std::map<std::size_t, Watched> watched;
  for (std::size_t id = 0; id < due.size(); id++) {
    const compile::BackendInfo& info = state.backend_info[id];
    const bool is_away = info.used && !info.removed && !info.factors.reachable;
    if (!info.resets_flows && !is_away) continue;
    const auto before = watched_.find(id);
    Watched each = before == watched_.end() ? Watched{} : before->second;
    if (info.resets_flows && !each.resets)
      each.after = now + (each.was_away ? info.return_patience : info.reset_patience);
    each.resets = info.resets_flows;
    each.was_away = is_away || (each.was_away && each.resets);
    due[id] = each.resets && now >= each.after;
    watched.emplace_hint(watched.end(), id, each);
  }
  watched_ = std::move(watched);
  return due;
}

}  // namespace guideway::control
