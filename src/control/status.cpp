// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/status.h"

#include <algorithm>
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
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

template <typename T>
T at_or(const std::vector<T>& values, std::size_t index, T otherwise) {
  return index < values.size() ? values[index] : otherwise;
}

ServiceStatus describe_service(const compile::ServiceInfo& info, const gw_traffic& traffic) {
  return {info.name, info.address, info.port, info.protocol == GW_PROTO_TCP ? "tcp" : "udp",
          info.pool, traffic};
}

void describe_health(BackendStatus& status, const health::Verdicts& verdicts,
                     const model::BackendKey& key, bool has_check) {
  const auto found = verdicts.find(key);
  if (found == verdicts.end()) {
    status.health = has_check ? "unused" : "unchecked";
    return;
  }
  const health::Verdict& verdict = found->second;
  status.health = health::to_string(verdict.state);
  status.health_reason = health::to_string(verdict.reason);
  status.health_detail = verdict.detail;
  status.health_since_s = std::chrono::system_clock::to_time_t(verdict.since);
  status.probe_latency_us = verdict.latency.count();
}

}  // namespace

Status Controller::status() const {
  Status status;
  status.director = model_.director.name;
  status.generation = generation_;
  status.change_id = change_id_;
  status.datapath = parts_.datapath.status();
  status.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_)
          .count());
  if (last_sweep_.generation != 0)
    status.live_flows_age_s =
        static_cast<std::int64_t>(parts_.datapath.now_s()) - last_sweep_.ended_s;

  for (std::size_t id = 0; id < state_->service_info.size(); id++)
    if (state_->service_info[id].used)
      status.services.push_back(describe_service(
          state_->service_info[id], at_or(status.datapath.services, id, gw_traffic{})));

  // Pools of the model in its order, then those that only removed backends still belong to.
  std::map<std::string, std::size_t> places;
  for (const auto& pool : model_.pools) {
    places.emplace(pool.name, status.pools.size());
    status.pools.push_back(
        {pool.name, name_of(pool.forwarding), model::to_string(pool.scheduler), 0, false, {}});
  }
  const health::Verdicts verdicts = checker_.verdicts();
  for (std::size_t i = 0; i < state_->pool_info.size() && i < status.pools.size(); i++) {
    status.pools[i].slots = state_->pool_info[i].slots;
    status.pools[i].fails_open = state_->pool_info[i].fails_open;
  }
  for (std::size_t id = 0; id < state_->backend_info.size(); id++) {
    const compile::BackendInfo& info = state_->backend_info[id];
    if (!info.used) continue;
    const auto [place, is_new] = places.try_emplace(info.pool, status.pools.size());
    if (is_new) status.pools.push_back({info.pool, "", "", 0, false, {}});
    BackendStatus backend{.name = info.name,
                          .address = info.address,
                          .port = info.port,
                          .weight = info.weight,
                          .state = info.removed ? "removed" : name_of(info.state),
                          .slots = info.slots,
                          .traffic = at_or(status.datapath.backends, id, gw_traffic{}),
                          .live_flows = at_or(last_sweep_.live, id, 0U),
                          .reason = info.reason};
    const bool has_check =
        place->second < model_.pools.size() && model_.pools[place->second].health_check;
    describe_health(backend, verdicts, {info.pool, info.address, info.port}, has_check);
    status.pools[place->second].backends.push_back(std::move(backend));
  }
  return status;
}

}  // namespace guideway::control
