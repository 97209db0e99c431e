// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/sweeper.h"

#include <algorithm>
#include <utility>

#include "guideway/core/port_native.h"

// The port comes first.
#include "guideway/core/nat_table.h"

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

/// A NAT entry whose backend or address is gone has nobody left to lead to. Backends that are newer
/// than `state` are not known yet: their very first entries stay.
void Sweeper::sweep_nat_bucket(std::size_t index, const compile::ForwardingState& state,
                               const std::vector<bool>& reset, std::uint32_t now_s) {
  const std::size_t plane = index / GW_NAT_PLANE;
  if (index % GW_NAT_PLANE == 0) return;  // the header
  const bool has_address =
      plane < state.nat_addresses.size() && state.nat_addresses[plane].family != 0;
  gw_nat_bucket& bucket = nat_.buckets[index];
  for (std::size_t way = 0; way < GW_NAT_WAYS; way++) {
    std::uint64_t& slot = bucket.ways.words[way];
    std::uint64_t word = gw_word_acquire(&slot);
    if (gw_nat_state(word) != GW_NAT_VALID) continue;
    const gw_nat_entry& entry = bucket.entries[way];
    const std::uint32_t id = gw_nat_backend(word);
    const gw_nat_life life = gw_nat_judge(&entry, now_s);
    const bool known = id < state.backends.size() && (state.backends[id].flags & GW_BACKEND_USED);
    const bool stays = (known && has_address) || life.idle_s <= kUnknownTimeout_s;
    const bool marked = id < reset.size() && reset[id];
    const std::uint64_t wanted = gw_nat_swept(word, &entry, now_s, stays ? 1 : 0, marked ? 1 : 0);
    const bool ended = gw_nat_state(wanted) != GW_NAT_VALID;
    if (wanted != word && gw_word_swap(&slot, word, wanted) == word && ended) {
      result_.cleared++;
      continue;
    }
    if (id >= result_.held.size()) continue;
    result_.held[id]++;
    if (life.is_established) result_.live[id]++;
    result_.nat_ports[plane]++;
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
    result_.nat_ports.assign(nat_.planes, 0);
  }
  const std::size_t flow_buckets = flows_.buckets.size();
  const std::size_t end = std::min(bucket_count(), next_ + buckets);
  for (; next_ < std::min(end, flow_buckets); next_++)
    sweep_bucket(flows_.buckets[next_], state, reset, now_s);
  for (; next_ < end; next_++) sweep_nat_bucket(next_ - flow_buckets, state, reset, now_s);
  if (next_ < bucket_count()) return std::nullopt;
  next_ = 0;
  result_.ended_s = now_s;
  return std::exchange(result_, SweepResult{});
}

}  // namespace guideway::control
