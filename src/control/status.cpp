// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/status.h"

#include <algorithm>
#include <numeric>
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/compile/backend_record.h"
#include "guideway/control/controller.h"
#include "guideway/core/layout.h"

namespace guideway::control {
namespace {

const char* name_of(model::Forwarding forwarding) {
  switch (forwarding) {
    case model::Forwarding::kL2Dsr:
      return "l2dsr";
    case model::Forwarding::kIpip:
      return "ipip";
    case model::Forwarding::kVxlan:
      return "vxlan";
    case model::Forwarding::kGre:
      return "gre";
    case model::Forwarding::kGue:
      return "gue";
    case model::Forwarding::kNat:
      return "nat";
  }
  return "";
}

template <typename T>
T at_or(const std::vector<T>& values, std::size_t index, T otherwise) {
  return index < values.size() ? values[index] : otherwise;
}

ServiceStatus describe_service(const compile::ServiceInfo& info, const gw_traffic& traffic) {
  return {info.name, info.address, info.port, info.protocol == GW_PROTO_TCP ? "tcp" : "udp",
          info.pool, traffic};
}

/// One word for what becomes of a backend: the operator's first, then the pool's, then the checks'.
std::string health_of(const compile::BackendInfo& info, const health::Verdict* verdict,
                      bool has_check) {
  using compile::WeightRule;
  if (!info.removed && info.state == model::AdminState::kDisabled) return "disabled";
  if (!info.removed && info.state == model::AdminState::kDrain) return "draining";
  const WeightRule rule = info.effective.rule;
  if (info.slots != 0 &&
      (rule == WeightRule::kFailOpen || rule == WeightRule::kHeld || rule == WeightRule::kSpared))
    return "panic";
  if (info.factors.forced != model::Forced::kNone)
    return info.factors.forced == model::Forced::kUp ? "healthy" : "unhealthy";
  if (verdict != nullptr) return health::to_string(verdict->state);
  return has_check ? "unused" : "unchecked";
}

void describe_health(BackendStatus& status, const compile::BackendInfo& info,
                     const health::Verdicts& verdicts, bool has_check) {
  const model::BackendKey key{info.home.empty() ? info.pool : info.home, info.address, info.port};
  const auto found = verdicts.find(key);
  status.health = health_of(info, found == verdicts.end() ? nullptr : &found->second, has_check);
  status.effective_weight = info.effective.weight;
  status.weight_rule = compile::to_string(info.effective.rule);
  status.reachable = info.factors.reachable;
  status.forced = control::name_of(info.factors.forced);
  status.standing = compile::to_string(info.factors.standing);
  status.mode = compile::to_string(info.factors.mode);
  status.kept = info.factors.kept;
  status.home = info.home;
  if (found != verdicts.end()) {
    const health::Verdict& verdict = found->second;
    status.health_reason = health::to_string(verdict.reason);
    status.health_detail = verdict.detail;
    status.health_since_s = std::chrono::system_clock::to_time_t(verdict.since);
    if (verdict.held_until > std::chrono::system_clock::now())
      status.held_until_s = std::chrono::system_clock::to_time_t(verdict.held_until);
    status.last_error = health::to_string(verdict.last_error);
    status.last_error_detail = verdict.last_error_detail;
    status.last_error_at_s = std::chrono::system_clock::to_time_t(verdict.last_error_at);
    status.probe_latency_us = verdict.latency.count();
    for (const auto& [reason, count] : verdict.probes)
      status.probes.emplace_back(
          reason == health::Reason::kNone ? "success" : health::to_string(reason), count);
  }
  using compile::WeightRule;
  const WeightRule rule = info.effective.rule;
  if (info.removed) return;
  if (rule == WeightRule::kDisabled || rule == WeightRule::kDrain ||
      info.factors.forced == model::Forced::kDown)
    status.health_reason = "admin";
  else if (info.no_neighbour)
    status.health_reason = "no_neighbour";
}

/// What status shows of a pool before its backends are known.
PoolStatus describe_pool(const model::Pool& pool) {
  PoolStatus status;
  status.name = pool.name;
  status.forwarding = name_of(pool.forwarding);
  status.scheduler = model::to_string(pool.scheduler);
  return status;
}

}  // namespace

const char* name_of(model::Forced forced) {
  switch (forced) {
    case model::Forced::kNone:
      return "none";
    case model::Forced::kUp:
      return "up";
    case model::Forced::kDown:
      return "down";
  }
  return "";
}

const char* name_of(model::AdminState state) {
  switch (state) {
    case model::AdminState::kEnabled:
      return "enabled";
    case model::AdminState::kDrain:
      return "drain";
    case model::AdminState::kDisabled:
      return "disabled";
  }
  return "";
}

gw_traffic traffic_of(const PoolStatus& pool) {
  gw_traffic sum = pool.gone;
  for (const BackendStatus& backend : pool.backends) {
    sum.packets += backend.traffic.packets;
    sum.bytes += backend.traffic.bytes;
    sum.flows += backend.traffic.flows;
  }
  return sum;
}

std::uint64_t live_flows_of(const PoolStatus& pool) {
  std::uint64_t sum = 0;
  for (const BackendStatus& backend : pool.backends) sum += backend.live_flows;
  return sum;
}

std::int64_t Controller::live_flows_age_s() const {
  if (last_sweep_.generation == 0) return -1;
  return static_cast<std::int64_t>(parts_.datapath.now_s()) - last_sweep_.ended_s;
}

Explanation Controller::explain(const ExplainQuery& query) const {
  return control::explain(query, *state_, parts_.datapath.flow_table(), parts_.datapath.now_s(),
                          parts_.datapath.nat_table());
}

Status Controller::status() const {
  Status status;
  status.director = model_.director.name;
  status.generation = generation_;
  status.change_id = change_id_;
  status.datapath = parts_.datapath.status();
  status.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_)
          .count());
  status.build_time_us = std::chrono::duration_cast<std::chrono::microseconds>(build_took_).count();
  status.changes_refused = refused_;
  status.flow_entries = std::uint64_t{parts_.datapath.flow_table().buckets.size()} * GW_FLOW_WAYS;
  status.flow_entries_used =
      std::accumulate(last_sweep_.held.begin(), last_sweep_.held.end(), std::uint64_t{0}) -
      std::accumulate(last_sweep_.nat_ports.begin(), last_sweep_.nat_ports.end(), std::uint64_t{0});
  for (const auto& [address, plane] : nat_ids_.entries())
    status.nat_addresses.push_back(
        {address, at_or(last_sweep_.nat_ports, plane, std::uint32_t{0})});
  status.revision = desired_->revision;
  status.live_flows_age_s = live_flows_age_s();
  status.live_flows_generation = last_sweep_.generation;

  for (std::size_t id = 0; id < state_->service_info.size(); id++)
    if (state_->service_info[id].used)
      status.services.push_back(describe_service(
          state_->service_info[id], at_or(status.datapath.services, id, gw_traffic{})));

  // Pools of the model in its order, then those that only removed backends still belong to.
  std::map<std::string, std::size_t> places;
  for (const auto& pool : model_.pools) {
    places.emplace(pool.name, status.pools.size());
    status.pools.push_back(describe_pool(pool));
  }
  const health::Verdicts verdicts = checker_.verdicts();
  for (std::size_t i = 0; i < state_->pool_info.size() && i < status.pools.size(); i++) {
    status.pools[i].slots = state_->pool_info[i].slots;
    status.pools[i].fails_open = state_->pool_info[i].mode == compile::PoolMode::kFailOpen;
    status.pools[i].state = compile::to_string(state_->pool_info[i].state);
    status.pools[i].mode = compile::to_string(state_->pool_info[i].mode);
    status.pools[i].healthy_percent = state_->pool_info[i].healthy_percent;
  }
  for (std::size_t id = 0; id < state_->backend_info.size(); id++) {
    const compile::BackendInfo& info = state_->backend_info[id];
    if (!info.used) continue;
    const auto [place, is_new] = places.try_emplace(info.pool, status.pools.size());
    if (is_new) status.pools.emplace_back().name = info.pool;
    const bool has_check =
        place->second < model_.pools.size() && model_.pools[place->second].health_check;
    status.pools[place->second].backends.push_back(
        describe_backend(id, status.datapath, verdicts, has_check));
  }
  for (PoolStatus& pool : status.pools) pool.gone = pool_traffic_.of(pool.name);
  return status;
}

std::shared_ptr<const Status> Controller::recent_status() {
  return recent_status_.get(
      {desired_->revision, generation_}, [this] { return status(); },
      [] { return std::chrono::steady_clock::now(); });
}

Status Controller::status_of_backend(const std::string& pool, const std::string& backend) const {
  Status status;
  status.revision = desired_->revision;
  status.live_flows_age_s = live_flows_age_s();
  status.live_flows_generation = last_sweep_.generation;
  const datapath::DatapathStatus counted = parts_.datapath.status();
  const auto configured = std::find_if(model_.pools.begin(), model_.pools.end(),
                                       [&](const model::Pool& each) { return each.name == pool; });
  const bool has_check = configured != model_.pools.end() && configured->health_check;
  PoolStatus& found = status.pools.emplace_back();
  found.name = pool;
  for (std::size_t id = 0; id < state_->backend_info.size(); id++) {
    const compile::BackendInfo& info = state_->backend_info[id];
    if (!info.used || info.removed || !info.home.empty()) continue;
    if (info.pool != pool || info.name != backend) continue;
    const model::BackendKey key{info.pool, info.address, info.port};
    health::Verdicts verdicts;
    if (const health::Verdict* verdict = checker_.verdict(key)) verdicts.emplace(key, *verdict);
    found.backends.push_back(describe_backend(id, counted, verdicts, has_check));
  }
  return status;
}

BackendStatus Controller::describe_backend(std::size_t id, const datapath::DatapathStatus& counted,
                                           const health::Verdicts& verdicts, bool has_check) const {
  const compile::BackendInfo& info = state_->backend_info[id];
  BackendStatus backend{.name = info.name,
                        .address = info.address,
                        .port = info.port,
                        .weight = info.weight,
                        .state = info.removed ? "removed" : name_of(info.state),
                        .slots = info.slots,
                        .traffic = at_or(counted.backends, id, gw_traffic{}),
                        .live_flows = at_or(last_sweep_.live, id, 0U),
                        .reason = info.reason};
  describe_health(backend, info, verdicts, has_check);
  if (const auto source = compile::outer_source_of(state_->backends[id]))
    backend.outer_source = source->to_string();
  return backend;
}

}  // namespace guideway::control
