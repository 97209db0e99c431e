// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>

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

std::uint32_t live_of(std::size_t id, const std::vector<std::uint32_t>& live) {
  return id < live.size() ? live[id] : 0;
}

config::ResourcePath path_of(const std::string& pool, const std::string& backend) {
  return {config::ResourcePath::Kind::kBackend, pool, backend};
}

/// Flows by pool, also those on removed backends and on guests.
std::map<std::string, std::uint64_t> flows_of_pools(const compile::ForwardingState& state,
                                                    const std::vector<std::uint32_t>& live) {
  std::map<std::string, std::uint64_t> flows;
  for (std::size_t id = 0; id < state.backend_info.size(); id++)
    if (state.backend_info[id].used) flows[state.backend_info[id].pool] += live_of(id, live);
  return flows;
}

/// A backend that goes, goes as a guest of other pools as well. One that is no guest any more stays
/// where it is configured.
std::vector<RemovalPlan> removed_backends(const compile::ForwardingState& now,
                                          const compile::ForwardingState& next,
                                          const std::vector<std::uint32_t>& live) {
  std::vector<RemovalPlan> removed;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  std::vector<std::size_t> guests;
  for (std::size_t id = 0; id < now.backend_info.size(); id++) {
    const compile::BackendInfo& before = now.backend_info[id];
    if (!before.used || before.removed) continue;
    const bool stays = id < next.backend_info.size() && next.backend_info[id].used &&
                       !next.backend_info[id].removed;
    if (stays) continue;
    if (!before.home.empty()) {
      guests.push_back(id);
      continue;
    }
    places[{before.pool, before.name}] = removed.size();
    removed.push_back({path_of(before.pool, before.name), live_of(id, live)});
  }
  for (const std::size_t id : guests) {
    const compile::BackendInfo& guest = now.backend_info[id];
    if (const auto place = places.find({guest.home, guest.name}); place != places.end())
      removed[place->second].live_flows += live_of(id, live);
  }
  return removed;
}

using ServiceAddress = std::tuple<IpAddress, std::uint16_t, std::uint8_t>;

ServiceAddress address_of(const compile::ServiceInfo& info) {
  return {info.address, info.port, info.protocol};
}

std::vector<ServicePlan> moved_services(const compile::ForwardingState& now,
                                        const compile::ForwardingState& next,
                                        const std::vector<std::uint32_t>& live) {
  std::map<ServiceAddress, const compile::ServiceInfo*> after;
  for (const compile::ServiceInfo& info : next.service_info)
    if (info.used) after[address_of(info)] = &info;
  const auto flows = flows_of_pools(now, live);
  std::vector<ServicePlan> moved;
  for (const compile::ServiceInfo& before : now.service_info) {
    if (!before.used) continue;
    const auto found = after.find(address_of(before));
    const std::string to = found == after.end() ? "" : found->second->pool;
    if (to == before.pool) continue;
    const auto count = flows.find(before.pool);
    moved.push_back({before.name, before.address, before.port,
                     before.protocol == GW_PROTO_TCP ? "tcp" : "udp", before.pool, to,
                     count == flows.end() ? 0 : count->second});
  }
  return moved;
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
  plan.removed = removed_backends(now, next, live);
  plan.services = moved_services(now, next, live);
  return plan;
}

}  // namespace guideway::control
