// SPDX-License-Identifier: Apache-2.0
#include "health_events.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace guideway::control {
namespace {

using compile::PoolInfo;
using compile::PoolMode;
using compile::PoolState;

const PoolInfo* find_info(const compile::ForwardingState* state, const std::string& name) {
  if (state == nullptr) return nullptr;
  const auto found = std::find_if(state->pool_info.begin(), state->pool_info.end(),
                                  [&](const PoolInfo& info) { return info.name == name; });
  return found == state->pool_info.end() ? nullptr : &*found;
}

std::string what_panic_does(const model::Pool& pool, PoolMode mode) {
  switch (mode) {
    case PoolMode::kFailOpen:
      return "new flows go to all backends that can be reached (fail_open)";
    case PoolMode::kHold:
      return "new flows go to the backends that were healthy before (hold)";
    case PoolMode::kFallback:
      return "new flows go to pool " + pool.panic.fallback_pool + " (fallback)";
    case PoolMode::kNormal:
      break;
  }
  return "";
}

}  // namespace

void log_health_change(const health::Change& change) {
  const bool bad = change.now.state == health::State::kUnhealthy;
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info,
              "backend {}/{}: {} -> {} after {} probe(s){}{}{}", change.backend.pool, change.name,
              health::to_string(change.from), health::to_string(change.now.state), change.probes,
              bad ? ": " : "", health::to_string(change.now.reason),
              change.now.detail.empty() ? "" : " (" + change.now.detail + ")");
  if (change.hold != std::chrono::milliseconds(0))
    spdlog::warn("backend {}/{} flaps: it stays unhealthy for {} ms at least", change.backend.pool,
                 change.name, change.hold.count());
}

void log_pool_changes(const model::Model& model, const compile::ForwardingState* before,
                      const compile::ForwardingState& now) {
  for (std::size_t i = 0; i < now.pool_info.size() && i < model.pools.size(); i++) {
    const PoolInfo& info = now.pool_info[i];
    const PoolInfo* old = find_info(before, info.name);
    const bool was_panic = old != nullptr && old->state == PoolState::kPanic;
    const bool is_panic = info.state == PoolState::kPanic;
    if (is_panic && (!was_panic || old->mode != info.mode))
      spdlog::warn("pool {}: panic, {} % of its weight is healthy: {}", info.name,
                   info.healthy_percent, what_panic_does(model.pools[i], info.mode));
    if (was_panic && !is_panic)
      spdlog::info("pool {}: panic is over, {} % of its weight is healthy", info.name,
                   info.healthy_percent);
  }
}

}  // namespace guideway::control
