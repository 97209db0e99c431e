// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/metrics/render.h"

#include <array>
#include <map>
#include <sstream>
#include <vector>

#include "families.h"
#include "guideway/base/version.h"
#include "guideway/core/reasons.h"

namespace guideway::metrics {
namespace {

using control::BackendStatus;
using control::PoolStatus;
using control::ServiceStatus;
using control::Status;
using datapath::InterfaceStatus;
using datapath::WorkerStatus;

struct ReasonName {
  const char* name;
  const char* verdict;
};

constexpr std::array<ReasonName, GW_REASON_COUNT> kReasons = {{
#define GW_REASON_LABELS(id, verdict, name, help) {name, #verdict},
    GW_REASONS(GW_REASON_LABELS)
#undef GW_REASON_LABELS
}};

constexpr std::array<const char*, GW_EVENT_COUNT> kEvents = {
#define GW_EVENT_LABEL(id, name, help) name,
    GW_EVENTS(GW_EVENT_LABEL)
#undef GW_EVENT_LABEL
};

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }
double seconds_of_us(std::int64_t us) { return static_cast<double>(us) / 1e6; }

/// With the port where there is one.
std::string text_of(const IpAddress& address, std::uint16_t port) {
  return port == 0 ? address.to_string() : Endpoint{address, port}.to_string();
}

std::string lower(std::string word) {
  for (char& letter : word) letter = static_cast<char>(letter - 'A' + 'a');
  return word;
}

Labels with(Labels labels, const char* name, std::string value) {
  labels.push_back({name, std::move(value)});
  return labels;
}

void add_director(Families& out, const Snapshot& snapshot) {
  const Status& status = snapshot.status;
  out.gauge("guideway_info", "Always 1: what runs here");
  out.add(1, {{"version", base::kVersion},
              {"director", status.director},
              {"datapath", status.datapath.kind}});
  out.gauge("guideway_uptime_seconds", "Time since guidewayd started");
  out.add(status.uptime_s);
  out.gauge("guideway_generation", "Number of the forwarding state in force");
  out.add(status.generation);
  out.gauge("guideway_generation_build_seconds", "How long that forwarding state took to build");
  out.add(seconds_of_us(status.build_time_us));
  out.counter("guideway_changes_refused_total", "Changes that could not be applied");
  out.add(status.changes_refused);
  out.histogram("guideway_loop_lag_seconds", "How late the control thread's timers were",
                snapshot.lag);
}

void add_flow_table(Families& out, const Status& status) {
  out.gauge("guideway_flow_table_size_entries", "Flows that the flow table has room for");
  out.add(status.flow_entries);
  if (status.live_flows_age_s < 0) return;
  out.gauge("guideway_flow_table_used_entries", "Entries in use when the flows were counted");
  out.add(status.flow_entries_used);
  out.gauge("guideway_nat_ports_used", "Of 64512 of a NAT address, when the flows were counted");
  for (const auto& nat : status.nat_addresses)
    out.add(nat.ports_used, {{"address", nat.address.to_string()}});
  out.gauge("guideway_live_flows_age_seconds", "Time since the flows were counted");
  out.add(status.live_flows_age_s);
}

Labels labels_of(const WorkerStatus& worker) {
  // The program has no number of its own: a row is a CPU that it ran on.
  const bool program = worker.role == "xdp";
  return {{"role", worker.role},
          {"worker", std::to_string(program ? worker.cpu : worker.shard)},
          {"cpu", std::to_string(worker.cpu)}};
}

void add_busy_time(Families& out, const std::vector<WorkerStatus>& workers) {
  out.counter("guideway_worker_busy_seconds_total", "Time of a worker in rounds with packets");
  for (const auto& worker : workers)
    if (worker.total_ns != 0) out.add(seconds(worker.busy_ns), labels_of(worker));
  out.counter("guideway_worker_seconds_total", "Time of a worker in all rounds");
  for (const auto& worker : workers)
    if (worker.total_ns != 0) out.add(seconds(worker.total_ns), labels_of(worker));
}

void add_workers(Families& out, const std::vector<WorkerStatus>& workers) {
  out.counter("guideway_worker_packets_total",
              "Packets that a worker, or the program on a CPU, received");
  for (const auto& worker : workers) out.add(worker.counters.packets_in, labels_of(worker));
  out.counter("guideway_worker_bytes_total",
              "Bytes that a worker, or the program on a CPU, received");
  for (const auto& worker : workers) out.add(worker.counters.bytes_in, labels_of(worker));
  out.counter("guideway_packets_total", "What became of packets: each is counted under one reason");
  for (const auto& worker : workers)
    for (std::size_t i = 0; i < kReasons.size(); i++)
      out.add(worker.counters.reasons[i],
              with(with(labels_of(worker), "verdict", lower(kReasons[i].verdict)), "reason",
                   kReasons[i].name));
  out.counter("guideway_packet_events_total", "Further facts about packets");
  for (const auto& worker : workers)
    for (std::size_t i = 0; i < kEvents.size(); i++)
      out.add(worker.counters.events[i], with(labels_of(worker), "event", kEvents[i]));
  add_busy_time(out, workers);
}

/// One metric of all interfaces.
template <typename Value>
void add_each(Families& out, const std::vector<InterfaceStatus>& interfaces, Value value) {
  for (const auto& interface : interfaces)
    out.add(value(interface), {{"interface", interface.name}, {"device", interface.device}});
}

void add_interfaces(Families& out, const std::vector<InterfaceStatus>& all) {
  out.gauge("guideway_interface_up", "1: the interface's link is up");
  add_each(out, all, [](const auto& one) { return one.link_up ? 1 : 0; });
  out.counter("guideway_interface_to_kernel_packets_total", "Packets handed to the host's stack");
  add_each(out, all, [](const auto& one) { return one.kernel.to_kernel; });
  out.counter("guideway_interface_to_kernel_refused_packets_total",
              "Packets that the host's stack did not take");
  add_each(out, all, [](const auto& one) { return one.kernel.to_kernel_refused; });
  out.counter("guideway_interface_from_kernel_packets_total", "Packets of the host's stack");
  add_each(out, all, [](const auto& one) { return one.kernel.from_kernel; });
  out.counter("guideway_interface_from_kernel_dropped_packets_total",
              "Packets of the host's stack that the interface did not take");
  add_each(out, all, [](const auto& one) { return one.kernel.from_kernel_dropped; });
}

template <typename Value>
void add_each(Families& out, const std::vector<ServiceStatus>& services, Value value) {
  for (const auto& service : services)
    out.add(value(service), {{"service", service.name},
                             {"protocol", service.protocol},
                             {"address", text_of(service.address, service.port)},
                             {"pool", service.pool}});
}

void add_services(Families& out, const std::vector<ServiceStatus>& services) {
  out.counter("guideway_service_packets_total", "Packets sent to backends");
  add_each(out, services, [](const auto& service) { return service.traffic.packets; });
  out.counter("guideway_service_bytes_total", "Bytes sent to backends, without outer headers");
  add_each(out, services, [](const auto& service) { return service.traffic.bytes; });
  out.counter("guideway_service_new_flows_total", "Flows that were given a backend");
  add_each(out, services, [](const auto& service) { return service.traffic.flows; });
}

bool any(const BackendStatus&) { return true; }
bool configured(const BackendStatus& backend) { return backend.state != "removed"; }
/// Not one that only removed backends still belong to.
bool is_in_model(const PoolStatus& pool) { return !pool.state.empty(); }
/// A guest's probes are its home pool's.
bool checked(const BackendStatus& backend) {
  return backend.standing != "unchecked" && backend.home.empty() && configured(backend);
}
/// Nobody has taken it out, or put it in, by hand: that is no fault.
bool judged(const BackendStatus& backend) {
  return checked(backend) && backend.state == "enabled" && backend.forced == "none";
}

void add_pool_traffic(Families& out, const std::vector<PoolStatus>& pools, bool counted) {
  std::vector<gw_traffic> sums;
  for (const auto& pool : pools) sums.push_back(traffic_of(pool));
  const auto add_each = [&](auto value) {
    for (std::size_t i = 0; i < pools.size(); i++)
      out.add(value(sums[i]), {{"pool", pools[i].name}});
  };
  out.counter("guideway_pool_packets_total", "Packets sent to the pool's backends");
  add_each([](const gw_traffic& sum) { return sum.packets; });
  out.counter("guideway_pool_bytes_total", "Bytes sent to them, without outer headers");
  add_each([](const gw_traffic& sum) { return sum.bytes; });
  out.counter("guideway_pool_new_flows_total", "Flows that were given one of them");
  add_each([](const gw_traffic& sum) { return sum.flows; });
  if (!counted) return;
  out.gauge("guideway_pool_live_flows", "Established flows when they were counted");
  for (const auto& pool : pools) out.add(live_flows_of(pool), {{"pool", pool.name}});
}

void add_pools(Families& out, const Status& status) {
  const auto& pools = status.pools;
  add_pool_traffic(out, pools, status.live_flows_age_s >= 0);
  out.gauge("guideway_pool_slots", "Slots of the pool's slot table");
  for (const auto& pool : pools) out.add(pool.slots, {{"pool", pool.name}});
  const auto panics = [](const PoolStatus& pool) { return pool.state == "panic"; };
  out.gauge("guideway_pool_panic",
            "1: too few backends are healthy; the mode is what the pool does about it");
  for (const auto& pool : pools)
    if (is_in_model(pool))
      out.add(panics(pool) ? 1 : 0,
              {{"pool", pool.name}, {"mode", panics(pool) ? pool.mode : "normal"}});
  out.gauge("guideway_pool_fails_open", "1: it is in panic, and uses all its backends");
  for (const auto& pool : pools)
    out.add(panics(pool) && pool.fails_open ? 1 : 0, {{"pool", pool.name}});
  out.gauge("guideway_pool_healthy_percent",
            "Healthy share of the weight of the backends that could be used and have a verdict");
  for (const auto& pool : pools)
    if (is_in_model(pool)) out.add(pool.healthy_percent, {{"pool", pool.name}});
  out.gauge("guideway_pool_backends", "Backends of the pool by their health");
  for (const auto& pool : pools) {
    std::map<std::string, unsigned> counts;
    for (const auto& backend : pool.backends)
      if (configured(backend) && backend.home.empty()) counts[backend.health]++;
    for (const auto& [health, count] : counts)
      out.add(count, {{"pool", pool.name}, {"health", health}});
  }
}

/// One metric of the backends for which `wanted` holds.
template <typename Wanted, typename Value>
void add_each(Families& out, const std::vector<PoolStatus>& pools, Wanted wanted, Value value) {
  for (const auto& pool : pools)
    for (const auto& backend : pool.backends)
      if (wanted(backend))
        out.add(value(backend), {{"pool", pool.name},
                                 {"backend", backend.name},
                                 {"address", text_of(backend.address, backend.port)}});
}

void add_backend_traffic(Families& out, const std::vector<PoolStatus>& pools, bool counted) {
  out.counter("guideway_backend_packets_total", "Packets sent to the backend");
  add_each(out, pools, any, [](const auto& backend) { return backend.traffic.packets; });
  out.counter("guideway_backend_bytes_total", "Bytes sent to the backend, without outer headers");
  add_each(out, pools, any, [](const auto& backend) { return backend.traffic.bytes; });
  out.counter("guideway_backend_new_flows_total", "Flows that were given this backend");
  add_each(out, pools, any, [](const auto& backend) { return backend.traffic.flows; });
  if (!counted) return;
  out.gauge("guideway_backend_live_flows", "Established flows when they were counted");
  add_each(out, pools, any, [](const auto& backend) { return backend.live_flows; });
}

void add_probes(Families& out, const std::vector<PoolStatus>& pools) {
  out.gauge("guideway_backend_healthy",
            "Of an enabled backend, 1: healthy; 0: unhealthy, or no verdict yet");
  add_each(out, pools, judged, [](const auto& one) { return one.standing == "healthy" ? 1 : 0; });
  out.gauge("guideway_backend_probe_latency_seconds", "Time that the last successful probe took");
  add_each(out, pools, checked,
           [](const auto& one) { return seconds_of_us(one.probe_latency_us); });
  out.counter("guideway_backend_probes_total", "Probes by their result");
  for (const auto& pool : pools)
    for (const auto& backend : pool.backends) {
      if (!checked(backend)) continue;
      for (const auto& [result, count] : backend.probes)
        out.add(count, {{"pool", pool.name},
                        {"backend", backend.name},
                        {"address", text_of(backend.address, backend.port)},
                        {"result", result}});
    }
}

void add_backends(Families& out, const Status& status) {
  const auto& pools = status.pools;
  add_backend_traffic(out, pools, status.live_flows_age_s >= 0);
  out.gauge("guideway_backend_weight", "Weight in force");
  add_each(out, pools, configured, [](const auto& backend) { return backend.weight; });
  out.gauge("guideway_backend_slots", "Slots that point to the backend: its share of new flows");
  add_each(out, pools, configured, [](const auto& backend) { return backend.slots; });
  out.gauge("guideway_backend_enabled", "1: the operator wants it to get new flows");
  add_each(out, pools, configured, [](const auto& one) { return one.state == "enabled" ? 1 : 0; });
  add_probes(out, pools);
}

}  // namespace

std::string render(const Snapshot& snapshot) {
  std::ostringstream text;
  {
    Families out(text);
    add_director(out, snapshot);
    add_flow_table(out, snapshot.status);
    add_workers(out, snapshot.status.datapath.workers);
    add_interfaces(out, snapshot.status.datapath.interfaces);
    add_services(out, snapshot.status.services);
    add_pools(out, snapshot.status);
    add_backends(out, snapshot.status);
  }
  return std::move(text).str();
}

}  // namespace guideway::metrics
