// SPDX-License-Identifier: Apache-2.0
#include "guideway/admin/status_json.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/base/version.h"
#include "guideway/core/reasons.h"
#include "status_parts.h"

namespace guideway::admin {
namespace {

constexpr std::array<const char*, GW_REASON_COUNT> kReasonNames = {
#define GW_REASON_NAME(id, verdict, name, help) name,
    GW_REASONS(GW_REASON_NAME)
#undef GW_REASON_NAME
};

constexpr std::array<const char*, GW_EVENT_COUNT> kEventNames = {
#define GW_EVENT_NAME(id, name, help) name,
    GW_EVENTS(GW_EVENT_NAME)
#undef GW_EVENT_NAME
};

Json worker_json(const datapath::WorkerStatus& worker) {
  std::array<std::uint64_t, GW_VERDICT_COUNT> verdicts{};
  Json reasons = Json::object();
  for (std::size_t i = 0; i < GW_REASON_COUNT; i++) {
    reasons[kReasonNames[i]] = worker.counters.reasons[i];
    verdicts[gw_reason_verdict(static_cast<gw_reason>(i))] += worker.counters.reasons[i];
  }
  Json events = Json::object();
  for (std::size_t i = 0; i < GW_EVENT_COUNT; i++)
    events[kEventNames[i]] = worker.counters.events[i];
  return {{"role", worker.role},
          {"cpu", worker.cpu},
          {"shard", worker.shard},
          {"packets_in", worker.counters.packets_in},
          {"bytes_in", worker.counters.bytes_in},
          {"forwarded", verdicts[GW_FORWARD]},
          {"replied", verdicts[GW_REPLY]},
          {"to_kernel", verdicts[GW_KERNEL]},
          {"dropped", verdicts[GW_DROP]},
          {"reasons", reasons},
          {"events", events}};
}

Json interface_json(const datapath::InterfaceStatus& interface) {
  return {{"name", interface.name},
          {"device", interface.device},
          {"driver", interface.driver},
          {"kernel_name", interface.kernel_name},
          {"mac", interface.mac},
          {"mtu", interface.mtu},
          {"link_up", interface.link_up},
          {"rx_queues", interface.rx_queues},
          {"to_kernel", interface.kernel.to_kernel},
          {"to_kernel_refused", interface.kernel.to_kernel_refused},
          {"from_kernel", interface.kernel.from_kernel},
          {"from_kernel_dropped", interface.kernel.from_kernel_dropped}};
}

Json nat_json(const control::NatAddressStatus& nat) {
  return {{"address", nat.address.to_string()}, {"ports_used", nat.ports_used}};
}

constexpr std::size_t kBackendFields = 29;

/// RFC 3339; null for 0.
Json time_json(std::int64_t unix_s) {
  if (unix_s == 0) return nullptr;
  return base::utc_text(std::chrono::system_clock::from_time_t(unix_s));
}

template <typename T, typename Function>
Json array_of(const std::vector<T>& values, Function one) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(one(value));
  return array;
}

}  // namespace

Json service_json(const control::ServiceStatus& service) {
  return {{"name", service.name},           {"address", service.address.to_string()},
          {"port", service.port},           {"protocol", service.protocol},
          {"pool", service.pool},           {"packets", service.traffic.packets},
          {"bytes", service.traffic.bytes}, {"flows", service.traffic.flows}};
}

// There are thousands of these: braces would make an array of each pair first, and copy it.
Json backend_json(const control::BackendStatus& backend) {
  Json::object_t object;
  object.reserve(kBackendFields);
  const auto add = [&](const char* key, auto&& value) { object.emplace_back(key, Json(value)); };
  add("name", backend.name);
  add("address", backend.address.to_string());
  add("port", backend.port);
  add("weight", backend.weight);
  add("state", backend.state);
  add("slots", backend.slots);
  add("packets", backend.traffic.packets);
  add("bytes", backend.traffic.bytes);
  add("flows", backend.traffic.flows);
  add("live_flows", backend.live_flows);
  add("reason", backend.reason);
  add("effective_weight", backend.effective_weight);
  add("weight_rule", backend.weight_rule);
  add("reachable", backend.reachable);
  add("forced", backend.forced);
  add("standing", backend.standing);
  add("mode", backend.mode);
  add("kept", backend.kept);
  add("held_until", time_json(backend.held_until_s));
  add("home", backend.home);
  add("outer_source", backend.outer_source);
  add("health", backend.health);
  add("health_reason", backend.health_reason);
  add("health_detail", backend.health_detail);
  add("health_since_s", backend.health_since_s);
  add("health_since", time_json(backend.health_since_s));
  add("last_error", backend.last_error);
  add("last_error_detail", backend.last_error_detail);
  add("last_error_at", time_json(backend.last_error_at_s));
  add("probe_latency_us", backend.probe_latency_us);
  return object;
}

Json pool_json(const control::PoolStatus& pool) {
  const gw_traffic traffic = control::traffic_of(pool);
  return {{"name", pool.name},
          {"forwarding", pool.forwarding},
          {"scheduler", pool.scheduler},
          {"slots", pool.slots},
          {"packets", traffic.packets},
          {"bytes", traffic.bytes},
          {"flows", traffic.flows},
          {"live_flows", control::live_flows_of(pool)},
          {"fails_open", pool.fails_open},
          {"state", pool.state},
          {"mode", pool.mode},
          {"healthy_percent", pool.healthy_percent},
          {"backends", array_of(pool.backends, backend_json)}};
}

std::string status_json(const control::Status& status) {
  const Json json = {
      {"api", 1},
      {"version", base::kVersion},
      {"director", status.director},
      {"pid", getpid()},
      {"uptime_s", status.uptime_s},
      {"datapath", status.datapath.kind},
      {"memory", status.datapath.memory},
      {"distribution", status.datapath.distribution},
      {"generation", status.generation},
      {"revision", status.revision},
      {"change_id", status.change_id},
      {"live_flows_age_s",
       status.live_flows_age_s < 0 ? Json(nullptr) : Json(status.live_flows_age_s)},
      {"nat_addresses", array_of(status.nat_addresses, nat_json)},
      {"interfaces", array_of(status.datapath.interfaces, interface_json)},
      {"workers", array_of(status.datapath.workers, worker_json)},
      {"services", array_of(status.services, service_json)},
      {"pools", array_of(status.pools, pool_json)},
  };
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace guideway::admin
