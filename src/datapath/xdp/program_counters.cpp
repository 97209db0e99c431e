// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/program_counters.h"

#include <algorithm>
#include <utility>

#include "guideway/datapath/counters.h"

namespace guideway::datapath::xdp {
namespace {

/// A reader that a CPU under full load outruns gives up at some time and takes what it has.
constexpr int kAttempts = 1000;

/// The counters between two packets.
gw_counters snapshot(const gw_counters& live) {
  gw_counters now = read_counters(live);
  for (int i = 0; i < kAttempts && sum_of_reasons(now) != now.packets_in; i++)
    now = read_counters(live);
  // From the middle of a packet: it comes with the next snapshot.
  now.packets_in = sum_of_reasons(now);
  return now;
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
  for (std::size_t cpu = 0; cpu < cpu_count(); cpu++) add(total, read_traffic(map[cpu * row + id]));
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

std::vector<std::span<gw_traffic>> ProgramCounters::backend_rows() const {
  const std::size_t length = forgotten_backends_.size();
  std::vector<std::span<gw_traffic>> rows;
  for (std::size_t cpu = 0; cpu < cpu_count(); cpu++)
    rows.push_back(maps_.backends.values().subspan(cpu * length, length));
  return rows;
}

void ProgramCounters::forget_backend(std::uint16_t id) {
  if (id < forgotten_backends_.size()) forgotten_backends_[id] = sum(maps_.backends, id);
}

void ProgramCounters::forget_service(std::uint16_t id) {
  if (id < forgotten_services_.size()) forgotten_services_[id] = sum(maps_.services, id);
}

}  // namespace guideway::datapath::xdp
