// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/program_counters.h"

#include <algorithm>
#include <utility>

namespace guideway::datapath::xdp {
namespace {

/// A reader that a CPU under full load outruns gives up at some time and takes what it has.
constexpr int kAttempts = 1000;

std::uint64_t load(const std::uint64_t& counter) {
  return __atomic_load_n(&counter, __ATOMIC_RELAXED);
}

gw_counters copy(const gw_counters& live) {
  gw_counters now{};
  // The sum first and the parts after it; the program writes in that order, too.
  now.packets_in = load(live.packets_in);
  now.bytes_in = load(live.bytes_in);
  for (int i = 0; i < GW_REASON_COUNT; i++) now.reasons[i] = load(live.reasons[i]);
  for (int i = 0; i < GW_EVENT_COUNT; i++) now.events[i] = load(live.events[i]);
  return now;
}

bool adds_up(const gw_counters& counters) {
  std::uint64_t sum = 0;
  for (const std::uint64_t reason : counters.reasons) sum += reason;
  return sum == counters.packets_in;
}

/// The counters between two packets.
gw_counters snapshot(const gw_counters& live) {
  gw_counters now = copy(live);
  for (int i = 0; i < kAttempts && !adds_up(now); i++) now = copy(live);
  return now;
}

void add(gw_traffic& sum, const gw_traffic& more) {
  sum.packets += load(more.packets);
  sum.bytes += load(more.bytes);
  sum.flows += load(more.flows);
}

void subtract(gw_traffic& from, const gw_traffic& what) {
  from.packets -= what.packets;
  from.bytes -= what.bytes;
  from.flows -= what.flows;
}

}  // namespace

Result<ProgramCounters::Maps> ProgramCounters::Maps::of(const BalancerObject& object,
                                                        const gw_limits& limits) {
  const std::size_t cpus = limits.cpus;
  Maps maps;
  auto mapped =
      object.map_into(maps.cpus, "gw_cpu_counters", cpus)
          .and_then([&] {
            return object.map_into(maps.backends, "gw_backend_traffic", cpus * limits.backends);
          })
          .and_then([&] {
            return object.map_into(maps.services, "gw_service_traffic", cpus * limits.services);
          });
  if (!mapped) return tl::unexpected(mapped.error());
  return maps;
}

ProgramCounters::ProgramCounters(Maps maps) : maps_(std::move(maps)) {
  forgotten_backends_.resize(maps_.backends.values().size() / cpu_count());
  forgotten_services_.resize(maps_.services.values().size() / cpu_count());
}

std::vector<WorkerStatus> ProgramCounters::rows() const {
  std::vector<WorkerStatus> rows;
  for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
    WorkerStatus row;
    row.role = "xdp";
    row.cpu = cpu;
    row.counters = snapshot(maps_.cpus[cpu].counters);
    const auto& events = row.counters.events;
    const bool idle =
        row.counters.packets_in == 0 &&
        std::all_of(std::begin(events), std::end(events), [](auto n) { return n == 0; });
    if (!idle) rows.push_back(row);
  }
  return rows;
}

gw_traffic ProgramCounters::sum(const MappedMap<gw_traffic>& map, std::size_t id) const {
  const std::size_t row = map.values().size() / cpu_count();
  gw_traffic total{};
  for (std::size_t cpu = 0; cpu < cpu_count(); cpu++) add(total, map[cpu * row + id]);
  return total;
}

void ProgramCounters::add_backends_to(std::vector<gw_traffic>& sums) const {
  sums.resize(std::max(sums.size(), forgotten_backends_.size()));
  for (std::size_t id = 0; id < forgotten_backends_.size(); id++) {
    add(sums[id], sum(maps_.backends, id));
    subtract(sums[id], forgotten_backends_[id]);
  }
}

void ProgramCounters::add_services_to(std::vector<gw_traffic>& sums) const {
  sums.resize(std::max(sums.size(), forgotten_services_.size()));
  for (std::size_t id = 0; id < forgotten_services_.size(); id++) {
    add(sums[id], sum(maps_.services, id));
    subtract(sums[id], forgotten_services_[id]);
  }
}

void ProgramCounters::forget_backend(std::uint16_t id) {
  if (id < forgotten_backends_.size()) forgotten_backends_[id] = sum(maps_.backends, id);
}

void ProgramCounters::forget_service(std::uint16_t id) {
  if (id < forgotten_services_.size()) forgotten_services_[id] = sum(maps_.services, id);
}

}  // namespace guideway::datapath::xdp
