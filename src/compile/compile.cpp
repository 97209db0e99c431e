// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/compile.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "guideway/compile/backend_record.h"
#include "guideway/compile/maglev.h"
#include "guideway/compile/schedule_ring.h"
#include "guideway/compile/service_table.h"
#include "guideway/core/hash.h"
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

/// Why a backend of the model gets no new flows; empty if it gets some.
std::string why_idle(const model::Backend& backend, const std::string& obstacle) {
  switch (backend.state) {
    case model::AdminState::kDrain:
      return "drained by the operator";
    case model::AdminState::kDisabled:
      return "disabled by the operator";
    case model::AdminState::kEnabled:
      break;
  }
  if (backend.weight == 0) return "its weight is 0";
  return obstacle;
}

/// What the checks have against a backend; empty when nothing.
std::string why_not_healthy(const health::Verdicts& verdicts, const model::BackendKey& key) {
  const auto found = verdicts.find(key);
  if (found == verdicts.end()) return "its health check has no result yet";
  const health::Verdict& verdict = found->second;
  if (verdict.good()) return "";
  if (verdict.state == health::State::kInitial) return "its health check has not succeeded yet";
  return std::string("unhealthy: ") + health::to_string(verdict.reason) +
         (verdict.detail.empty() ? "" : " (" + verdict.detail + ")");
}

bool is_checked(const model::Model& model, const model::Pool& pool) {
  return pool.health_check &&
         std::any_of(model.services.begin(), model.services.end(),
                     [&](const model::Service& service) { return service.pool == pool.name; });
}

/// Fills a ForwardingState from a model and ids that belong together.
class StateBuilder {
 public:
  StateBuilder(const Input& input, const BackendIds& ids) : input_(input), ids_(ids) {}

  Result<ForwardingStatePtr> build();
  /// After build().
  ServiceIds take_service_ids() { return std::move(service_ids_); }

 private:
  Result<void> add_services();
  Result<void> add_record(std::uint16_t id, const BackendIds::Entry& entry);
  Result<void> add_records();
  bool apply_health(const model::Pool& pool, const std::vector<std::uint16_t>& able);
  Result<void> add_pool(const model::Pool& pool);
  Result<void> add_ring(const model::Pool& pool, std::vector<MaglevBackend> backends);
  Result<void> add_pools();
  void describe_backend(std::uint16_t id, const model::Backend& backend);
  void fill_header();

  const Input& input_;
  const BackendIds& ids_;
  ForwardingState state_;
  ServiceIds service_ids_;
  std::uint64_t service_seed_ = 0;
  bool has_any_port_ = false;
};

Result<void> StateBuilder::add_services() {
  Result<ServiceTable> table = make_service_table(input_.model, input_.service_ids);
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

Result<void> StateBuilder::add_record(std::uint16_t id, const BackendIds::Entry& entry) {
  const Destination destination{.address = entry.key.address,
                                .forwarding = entry.forwarding,
                                .vxlan = entry.vxlan,
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

void StateBuilder::describe_backend(std::uint16_t id, const model::Backend& backend) {
  BackendInfo& info = state_.backend_info[id];
  info.weight = backend.weight;
  info.state = backend.state;
  info.reason = why_idle(backend, info.reason);
}

/// Takes the backends that are not healthy off the pool's new flows; all stay if none is healthy:
/// then the check is as likely at fault as they are, and a backend that may answer beats none.
/// Returns whether that is so. `able`: ids of the backends that nothing else holds back.
bool StateBuilder::apply_health(const model::Pool& pool, const std::vector<std::uint16_t>& able) {
  if (!is_checked(input_.model, pool) || able.empty()) return false;
  std::map<std::uint16_t, std::string> against;
  for (const std::uint16_t id : able) {
    std::string why = why_not_healthy(input_.verdicts, ids_.at(id).key);
    if (!why.empty()) against.emplace(id, std::move(why));
  }
  if (against.size() == able.size()) return true;
  for (auto& [id, why] : against) {
    BackendInfo& info = state_.backend_info[id];
    info.reason = std::move(why);
    const auto verdict = input_.verdicts.find(ids_.at(id).key);
    info.resets_flows =
        verdict != input_.verdicts.end() && verdict->second.state == health::State::kUnhealthy;
  }
  return false;
}

Result<void> StateBuilder::add_pool(const model::Pool& pool) {
  std::vector<MaglevBackend> all;
  std::vector<std::uint16_t> able;
  for (const model::Backend& backend : pool.backends) {
    const std::uint16_t id = *ids_.find(model::key_of(pool, backend));
    describe_backend(id, backend);
    all.push_back({maglev_key(backend.address, backend.port), backend.weight, id});
    if (state_.backend_info[id].reason.empty()) able.push_back(id);
  }
  const bool fails_open = apply_health(pool, able);
  std::vector<MaglevBackend> eligible;
  std::copy_if(all.begin(), all.end(), std::back_inserter(eligible),
               [&](const auto& each) { return state_.backend_info[each.id].reason.empty(); });
  // All weights must fit, not only those in use now: otherwise a backend that comes back could make
  // the pool impossible at run time.
  const auto quotas = maglev_quotas(all, pool.table_size);
  if (!quotas) return base::fail("pool " + pool.name + ": " + quotas.error().message);
  const Result<std::vector<std::uint16_t>> table = maglev_table(eligible, pool.table_size);
  if (!table) return base::fail("pool " + pool.name + ": " + table.error().message);

  const auto slots = static_cast<std::uint32_t>(table->size());
  state_.pools.push_back({static_cast<std::uint32_t>(state_.slots.size()), slots, 0, 0});
  state_.pool_info.push_back({pool.name, slots, fails_open, pool.scheduler});
  state_.slots.insert(state_.slots.end(), table->begin(), table->end());
  for (const std::uint16_t id : *table) {
    ++state_.backend_info[id].slots;
    state_.backends[id].flags |= GW_BACKEND_TAKES_NEW;
  }
  return add_ring(pool, std::move(eligible));
}

/// The ring of the pool that was added last, behind its slots.
Result<void> StateBuilder::add_ring(const model::Pool& pool, std::vector<MaglevBackend> backends) {
  if (!model::takes_turns(pool.scheduler)) return {};
  for (MaglevBackend& backend : backends) {
    if (!model::is_weighted(pool.scheduler)) backend.weight = 1;
    state_.backends[backend.id].load_weight = backend.weight;
  }
  const auto ring = schedule_ring(backends, pool.table_size);
  if (!ring) return base::fail("pool " + pool.name + ": " + ring.error().message);
  state_.pools.back().ring_base = static_cast<std::uint32_t>(state_.slots.size());
  state_.pools.back().ring_count = static_cast<std::uint32_t>(ring->size());
  state_.slots.insert(state_.slots.end(), ring->begin(), ring->end());
  return {};
}

Result<void> StateBuilder::add_pools() {
  for (const model::Pool& pool : input_.model.pools) {
    if (const Result<void> added = add_pool(pool); !added) return added;
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
  header.flags = has_any_port_ ? std::uint32_t{GW_STATE_ANY_PORT} : 0u;
}

Result<ForwardingStatePtr> StateBuilder::build() {
  if (const Result<void> added = add_services(); !added) return tl::unexpected(added.error());
  if (const Result<void> added = add_records(); !added) return tl::unexpected(added.error());
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
  StateBuilder builder(input, *ids);
  Result<ForwardingStatePtr> state = builder.build();
  if (!state) return tl::unexpected(state.error());
  return Output{std::move(*state), std::move(*ids), builder.take_service_ids()};
}

}  // namespace guideway::compile
