// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/compile.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "guideway/compile/backend_record.h"
#include "guideway/compile/maglev.h"
#include "guideway/compile/service_table.h"
#include "guideway/core/port_native.h"
// The port comes first.
#include "guideway/core/hash.h"
#include "guideway/core/toa.h"
#include "members.h"
#include "plan_pools.h"
#include "pool_tables.h"
#include "update_ids.h"

namespace guideway::compile {
namespace {

/// Pool of a record whose pool is gone: no service has it, so its flows are scheduled anew.
constexpr std::uint16_t kNoPool = 0xffff;

std::string number(std::uint64_t value) { return std::to_string(value); }

Result<void> check_capacity(const model::Model& model) {
  const model::Capacity& capacity = model.capacity;
  if (model.pools.size() > std::min<std::size_t>(capacity.pools, kNoPool)) {
    return base::fail(number(model.pools.size()) + " pools are more than capacity.pools = " +
                      number(capacity.pools) + ": raise it and restart, or remove some");
  }
  std::uint64_t slots = 0;
  for (const model::Pool& pool : model.pools) slots += model::slots_of(pool);
  if (slots > capacity.slots) {
    return base::fail("the pools' tables have " + number(slots) +
                      " slots together, more than capacity.slots = " + number(capacity.slots) +
                      ": raise it and restart, or take smaller tables");
  }
  return {};
}

/// Fills a ForwardingState from a model and ids that belong together.
class StateBuilder {
 public:
  StateBuilder(const Input& input, const BackendIds& ids, const NatIds& nat_ids)
      : input_(input), ids_(ids), previous_(input.previous.get()) {
    state_.nat_ids = nat_ids;
  }

  Result<ForwardingStatePtr> build();
  /// After build().
  ServiceIds take_service_ids() { return std::move(service_ids_); }
  PoolMemories take_pool_memories() { return std::move(pool_memories_); }

 private:
  Result<void> add_services();
  void add_nat_addresses();
  Result<void> add_record(std::uint16_t id, const BackendIds::Entry& entry);
  Result<void> add_records();
  std::uint16_t mss_of_pool(std::uint16_t pool) const;
  void add_clamps();
  std::uint16_t id_of(const model::BackendKey& key) const { return *ids_.find(key); }
  void describe_own(const PlannedPool& planned);
  void add_guests(const PlannedPool& planned, std::vector<MaglevBackend>& eligible);
  Result<void> add_pool(const PlannedPool& planned);
  Result<void> add_tables(const PlannedPool& planned, std::vector<MaglevBackend> eligible);
  std::uint32_t append(const std::vector<std::uint16_t>& part);
  Result<void> add_pools();
  void fill_header();

  const Input& input_;
  const BackendIds& ids_;
  const PreviousTables previous_;
  ForwardingState state_;
  ServiceIds service_ids_;
  PoolMemories pool_memories_;
  std::uint64_t service_seed_ = 0;
  bool has_any_port_ = false;
};

Result<void> StateBuilder::add_services() {
  Result<ServiceTable> table = make_service_table(input_.model, input_.service_ids, state_.nat_ids);
  if (!table) return tl::unexpected(table.error());
  if (table->ids.size() > input_.model.capacity.services) {
    return base::fail(number(table->ids.size()) +
                      " services (tcp_udp counts twice) are more than capacity.services = " +
                      number(input_.model.capacity.services) +
                      ": raise it and restart, or remove some");
  }
  state_.services = std::move(table->entries);
  state_.service_info = std::move(table->info);
  service_ids_ = std::move(table->ids);
  service_seed_ = table->seed;
  has_any_port_ = table->has_any_port;
  return {};
}

void StateBuilder::add_nat_addresses() {
  for (const auto& [address, plane] : state_.nat_ids.entries()) {
    if (state_.nat_addresses.size() <= plane) state_.nat_addresses.resize(plane + 1u);
    gw_nat_address& entry = state_.nat_addresses[plane];
    std::memcpy(entry.address, address.bytes().data(), sizeof entry.address);
    entry.family = static_cast<std::uint32_t>(address.family());
    if (!address.is_unspecified()) continue;
    entry.is_kept = 1;
    state_.header.flags |= GW_STATE_NAT_KEEPS;
  }
}

Result<void> StateBuilder::add_record(std::uint16_t id, const BackendIds::Entry& entry) {
  const Destination destination{.address = entry.key.address,
                                .port = entry.key.port,
                                .forwarding = entry.forwarding,
                                .vxlan = entry.vxlan,
                                .gre = entry.gre,
                                .gue = entry.gue,
                                .source = entry.source};
  const auto found = input_.next_hops.find(entry.key.address);
  const NextHop hop = found == input_.next_hops.end() ? NextHop{} : found->second;
  const Result<gw_backend> record = make_backend_record(destination, hop);
  if (!record) {
    return base::fail("pool " + entry.key.pool + ", backend " + entry.name + ": " +
                      record.error().message);
  }
  state_.backends[id] = *record;
  state_.backends[id].pool = kNoPool;
  state_.backends[id].sweep_timeout_s = entry.sweep_timeout_s;

  BackendInfo& info = state_.backend_info[id];
  info.used = true;
  info.removed = entry.removed;
  info.pool = entry.key.pool;
  info.name = entry.name;
  info.address = entry.key.address;
  info.port = entry.key.port;
  info.no_neighbour = hop.state == NextHop::State::kFailed;
  info.is_resolving = hop.state == NextHop::State::kResolving;
  info.reason = entry.removed ? "removed from the configuration" : obstacle(destination, hop);
  return {};
}

Result<void> StateBuilder::add_records() {
  const std::size_t count = ids_.entries().empty() ? 0 : ids_.entries().rbegin()->first + 1u;
  state_.backends.resize(count);
  state_.backend_info.resize(count);
  std::map<std::string, std::uint16_t> pool_ids;
  for (std::size_t i = 0; i < input_.model.pools.size(); ++i) {
    pool_ids.emplace(input_.model.pools[i].name, static_cast<std::uint16_t>(i));
  }
  for (const auto& [id, entry] : ids_.entries()) {
    if (const Result<void> added = add_record(id, entry); !added) return added;
    const auto pool = pool_ids.find(entry.key.pool);
    if (pool != pool_ids.end()) state_.backends[id].pool = pool->second;
  }
  return {};
}

/// What TCP over IPv4 may announce so that its packets fit the path to each of the pool's backends;
/// 0: no path is known.
std::uint16_t StateBuilder::mss_of_pool(std::uint16_t pool) const {
  constexpr unsigned kHeaders = 40;  // IPv4 and TCP
  constexpr unsigned kLeast = 88;    // for a path of 128 bytes; IPv6 takes 20 less
  unsigned least = 0;
  for (const gw_backend& record : state_.backends) {
    if (record.pool != pool || (record.flags & GW_BACKEND_RESOLVED) == 0) continue;
    const unsigned around = record.outer_length + kHeaders;
    const unsigned mss = std::max<unsigned>(record.mtu, around + kLeast) - around;
    if (least == 0 || mss < least) least = mss;
  }
  return static_cast<std::uint16_t>(least);
}

/// Of what backends may announce: what clients send as soon as they can still has to hold a TOA.
std::uint16_t mss_beside_toa(const gw_service& service) {
  if (service.clamp_mss == 0 || (service.flags & GW_SERVICE_TOA) == 0) return service.clamp_mss;
  return static_cast<std::uint16_t>(service.clamp_mss - gw_toa_length(service.family));
}

/// Answers by NAT are for an address, which pools may share: the least of theirs.
void StateBuilder::add_clamps() {
  std::map<std::uint16_t, std::uint16_t> of_plane;
  for (gw_service& service : state_.services) {
    if (service.pool >= input_.model.pools.size() || !input_.model.pools[service.pool].clamp_mss)
      continue;
    if ((service.flags & GW_SERVICE_USED) == 0) continue;
    service.clamp_mss = mss_of_pool(service.pool);
    const std::uint16_t of_answers = mss_beside_toa(service);
    for (std::size_t i = 0; i < service.nat_address_count && of_answers != 0; ++i) {
      const auto [known, is_new] = of_plane.emplace(service.nat_addresses[i], of_answers);
      if (!is_new) known->second = std::min(known->second, of_answers);
    }
  }
  for (gw_service& entry : state_.services) {
    const bool returns =
        (entry.flags & GW_SERVICE_NAT_RETURN) != 0 || entry.protocol == GW_PROTO_KEPT;
    const auto found = of_plane.find(entry.nat_addresses[0]);
    if (returns && found != of_plane.end()) entry.clamp_mss = found->second;
  }
}

/// Fills in what is known of a pool's own backends beside their records.
void StateBuilder::describe_own(const PlannedPool& planned) {
  for (const GuardedBackend& backend : planned.backends) {
    BackendInfo& info = state_.backend_info[id_of(backend.key)];
    info.weight = backend.factors.configured;
    info.state = backend.factors.state;
    info.factors = backend.factors;
    info.effective = effective_weight(backend.factors);
    info.reason = why_idle(planned, backend, input_.verdicts, info.reason);
    info.resets_flows = resets_flows(backend.factors);
    if (backend.factors.forced == model::Forced::kNone) {
      info.reset_patience = reset_patience(*planned.pool);
      info.return_patience = return_patience(*planned.pool);
    }
  }
  for (const model::Backend& backend : planned.pool->backends) {
    if (!backend.resets_flows) continue;
    BackendInfo& info = state_.backend_info[id_of(model::key_of(*planned.pool, backend))];
    info.resets_flows = true;
    info.reset_patience = info.return_patience = {};
  }
}

/// The fallback pool's backends, with the weights that they have there, if they are to help out.
void StateBuilder::add_guests(const PlannedPool& planned, std::vector<MaglevBackend>& eligible) {
  for (const Member& member : guests_of(input_.model, *planned.pool)) {
    const std::uint16_t id = id_of(member.key);
    BackendInfo& info = state_.backend_info[id];
    const BackendInfo& home = state_.backend_info[id_of(key_of(*member.home, *member.backend))];
    info.home = member.home->name;
    info.weight = home.weight;
    info.state = home.state;
    info.factors = home.factors;
    info.effective = home.effective;
    info.no_neighbour = home.no_neighbour;
    info.resets_flows = home.resets_flows;
    info.reset_patience = home.reset_patience;
    info.return_patience = home.return_patience;
    info.reason = home.reason;
    if (planned.plan.mode != PoolMode::kFallback) {
      info.effective.weight = 0;
      info.reason = "its pool is the fallback of " + planned.pool->name + ", which needs none now";
    }
    if (info.effective.weight != 0)
      eligible.push_back(
          {maglev_key(member.key.address, member.key.port), info.effective.weight, id});
  }
}

Result<void> StateBuilder::add_pool(const PlannedPool& planned) {
  const model::Pool& pool = *planned.pool;
  std::vector<MaglevBackend> all;
  std::vector<MaglevBackend> eligible;
  for (const GuardedBackend& backend : planned.backends) {
    const std::uint16_t id = id_of(backend.key);
    all.push_back(
        {maglev_key(backend.key.address, backend.key.port), backend.factors.configured, id});
    if (const std::uint32_t weight = state_.backend_info[id].effective.weight; weight != 0)
      eligible.push_back({all.back().key, weight, id});
  }
  add_guests(planned, eligible);
  // All weights must fit, not only those in use now: otherwise a backend that comes back could make
  // the pool impossible at run time.
  const auto quotas = maglev_quotas(all, pool.table_size);
  if (!quotas) return base::fail("pool " + pool.name + ": " + quotas.error().message);
  return add_tables(planned, std::move(eligible));
}

/// Slots and ring, and what backends have to know of them.
Result<void> StateBuilder::add_tables(const PlannedPool& planned,
                                      std::vector<MaglevBackend> eligible) {
  const model::Pool& pool = *planned.pool;
  std::optional<PoolTables> kept = previous_.find(pool, eligible);
  auto tables = kept ? Result<PoolTables>(std::move(*kept)) : make_pool_tables(pool, eligible);
  if (!tables) return base::fail("pool " + pool.name + ": " + tables.error().message);
  const auto shares = maglev_quotas(eligible, pool.table_size);
  if (!shares) return base::fail("pool " + pool.name + ": " + shares.error().message);
  for (std::size_t i = 0; i < eligible.size(); ++i) {
    const std::uint16_t id = eligible[i].id;
    state_.backend_info[id].slots = (*shares)[i];
    state_.backends[id].flags |= GW_BACKEND_TAKES_NEW;
    if (model::takes_turns(pool.scheduler))
      state_.backends[id].load_weight = model::is_weighted(pool.scheduler) ? eligible[i].weight : 1;
  }
  const auto slot_count = static_cast<std::uint32_t>(tables->slots.size());
  gw_pool& entry = state_.pools.emplace_back();
  entry.slot_base = append(tables->slots);
  entry.slot_count = slot_count;
  entry.ring_count = static_cast<std::uint32_t>(tables->ring.size());
  if (entry.ring_count != 0) entry.ring_base = append(tables->ring);
  state_.pool_info.push_back({pool.name, slot_count, planned.plan.state, planned.plan.mode,
                              planned.plan.healthy_percent, pool.scheduler, std::move(eligible)});
  return {};
}

/// Where in the slots of all pools `part` begins.
std::uint32_t StateBuilder::append(const std::vector<std::uint16_t>& part) {
  const auto base = static_cast<std::uint32_t>(state_.slots.size());
  state_.slots.insert(state_.slots.end(), part.begin(), part.end());
  return base;
}

Result<void> StateBuilder::add_pools() {
  const auto is_reachable = [this](const model::BackendKey& key) {
    return state_.backend_info[id_of(key)].reason.empty();
  };
  const std::vector<PlannedPool> planned =
      plan_pools(input_.model, input_.verdicts, input_.pool_memories, is_reachable);
  for (const PlannedPool& pool : planned) describe_own(pool);
  for (const PlannedPool& pool : planned) {
    if (const Result<void> added = add_pool(pool); !added) return added;
    pool_memories_[pool.pool->name] = pool.plan.memory;
  }
  return {};
}

void StateBuilder::fill_header() {
  gw_state& header = state_.header;
  header.hash_key = gw_hash_expand(input_.hash_seed.data());
  header.generation = input_.generation;
  header.service_seed = service_seed_;
  header.service_count = static_cast<std::uint32_t>(state_.services.size());
  header.pool_count = static_cast<std::uint32_t>(state_.pools.size());
  header.slot_count = static_cast<std::uint32_t>(state_.slots.size());
  header.backend_count = static_cast<std::uint32_t>(state_.backends.size());
  const model::Director& director = input_.model.director;
  if (has_any_port_) header.flags |= GW_STATE_ANY_PORT;
  if (director.vip_icmp == model::VipIcmp::kKernel) header.flags |= GW_STATE_ECHO_TO_KERNEL;
  if (director.unserved_ports == model::UnservedPorts::kDrop)
    header.flags |= GW_STATE_DROP_UNSERVED;
  if (director.on_too_big == model::OnTooBig::kFragment) header.flags |= GW_STATE_FRAGMENT;
  header.icmp_rate = director.icmp_rate;
  header.nat_address_count = static_cast<std::uint32_t>(state_.nat_addresses.size());
}

Result<ForwardingStatePtr> StateBuilder::build() {
  if (const Result<void> added = add_services(); !added) return tl::unexpected(added.error());
  add_nat_addresses();
  if (const Result<void> added = add_records(); !added) return tl::unexpected(added.error());
  add_clamps();
  if (const Result<void> added = add_pools(); !added) return tl::unexpected(added.error());
  fill_header();
  state_.ids = ids_;
  return std::make_shared<const ForwardingState>(std::move(state_));
}

}  // namespace

Result<Output> compile(const Input& input) {
  if (const Result<void> fits = check_capacity(input.model); !fits) {
    return tl::unexpected(fits.error());
  }
  Result<BackendIds> ids = update_ids(input.ids, input.model);
  if (!ids) return tl::unexpected(ids.error());
  Result<NatIds> nat_ids = input.nat_ids.with(model::nat_planes_of(input.model));
  if (!nat_ids) return tl::unexpected(nat_ids.error());
  StateBuilder builder(input, *ids, *nat_ids);
  Result<ForwardingStatePtr> state = builder.build();
  if (!state) return tl::unexpected(state.error());
  return Output{std::move(*state), std::move(*ids), builder.take_service_ids(), std::move(*nat_ids),
                builder.take_pool_memories()};
}

}  // namespace guideway::compile
