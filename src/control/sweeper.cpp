// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/sweeper.h"

#include <algorithm>
#include <utility>

#include "guideway/core/port_native.h"

// The port comes first.
#include "guideway/core/flow_table.h"

namespace guideway::control {
namespace {

/// Of an entry whose backend is not known: more than a slice of the walk takes.
constexpr std::uint32_t kUnknownTimeout_s = 1;

}  // namespace

void Sweeper::sweep_bucket(gw_flow_bucket& bucket, const compile::ForwardingState& state,
                           const std::vector<bool>& reset, std::uint32_t now_s) {
  for (std::uint64_t& slot : bucket.words) {
    std::uint64_t word = gw_flow_load(&slot);
    if (word == 0) continue;
    const std::uint32_t id = gw_flow_backend(word);
    // A backend that is new in the generation after `state`, published while this slice runs, is
    // not known yet: its very first entries stay.
    const bool known = id < state.backends.size() && (state.backends[id].flags & GW_BACKEND_USED);
    const std::uint32_t timeout_s = known ? state.backends[id].sweep_timeout_s : kUnknownTimeout_s;
    const bool marked = id < reset.size() && reset[id];
    const std::uint64_t wanted = gw_flow_swept(word, now_s, timeout_s, marked ? 1 : 0);
    std::uint64_t left = wanted;
    if (wanted != word && !__atomic_compare_exchange_n(&slot, &word, wanted, false,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      left = word;  // somebody was faster: count what is there now
    } else if (wanted == 0) {
      result_.cleared++;
    }
    if (left == 0) continue;
    const std::uint32_t holder = gw_flow_backend(left);
    if (holder >= result_.held.size()) continue;
    result_.held[holder]++;
    if (gw_flow_state(left) == GW_FLOW_ESTABLISHED) result_.live[holder]++;
  }
}

std::optional<SweepResult> Sweeper::step(const compile::ForwardingState& state,
                                         const std::vector<bool>& reset, std::uint32_t now_s,
                                         std::size_t buckets) {
  if (at_start()) {
    result_ = SweepResult{};
    result_.generation = state.generation();
    result_.live.assign(GW_NO_BACKEND, 0);
    result_.held.assign(GW_NO_BACKEND, 0);
  }
  const std::size_t end = std::min(flows_.buckets.size(), next_ + buckets);
  for (; next_ < end; next_++) sweep_bucket(flows_.buckets[next_], state, reset, now_s);
  if (next_ < flows_.buckets.size()) return std::nullopt;
  next_ = 0;
  result_.ended_s = now_s;
  return std::exchange(result_, SweepResult{});
}

}  // namespace guideway::control
