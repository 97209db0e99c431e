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

Result<CpuRows> ProgramCounters::rows_of(const BalancerObject& object, const gw_limits& limits) {
  return CpuRows::make(object.map_fd(CpuRows::kMap), limits.cpus, limits.backends,
                       limits.service_ids);
}

ProgramCounters::ProgramCounters(CpuRows rows) : rows_(std::move(rows)) {
  forgotten_backends_.resize(rows_.backends());
  forgotten_services_.resize(rows_.services());
}

std::vector<WorkerStatus> ProgramCounters::rows() const {
  std::vector<WorkerStatus> rows;
  for (unsigned cpu = 0; cpu < rows_.cpus(); cpu++) {
    WorkerStatus row;
    row.role = "xdp";
    row.cpu = cpu;
    row.counters = snapshot(rows_.counters(cpu));
    const auto& events = row.counters.events;
    const bool idle =
        row.counters.packets_in == 0 &&
        std::all_of(std::begin(events), std::end(events), [](auto n) { return n == 0; });
    if (!idle) rows.push_back(row);
  }
  return rows;
}

gw_traffic ProgramCounters::backend(std::size_t id) const {
  gw_traffic total{};
  for (std::size_t cpu = 0; cpu < rows_.cpus(); cpu++)
    add(total, read_traffic(rows_.backend(cpu, id)));
  return total;
}

gw_traffic ProgramCounters::service(std::size_t id) const {
  gw_traffic total{};
  for (std::size_t cpu = 0; cpu < rows_.cpus(); cpu++)
    add(total, read_traffic(rows_.service(cpu, id)));
  return total;
}

void ProgramCounters::add_backends_to(std::vector<gw_traffic>& sums) const {
  sums.resize(std::max(sums.size(), forgotten_backends_.size()));
  for (std::size_t id = 0; id < forgotten_backends_.size(); id++) {
    add(sums[id], backend(id));
    subtract(sums[id], forgotten_backends_[id]);
  }
}

void ProgramCounters::add_services_to(std::vector<gw_traffic>& sums) const {
  sums.resize(std::max(sums.size(), forgotten_services_.size()));
  for (std::size_t id = 0; id < forgotten_services_.size(); id++) {
    add(sums[id], service(id));
    subtract(sums[id], forgotten_services_[id]);
  }
}

std::vector<std::span<gw_traffic>> ProgramCounters::backend_rows() const {
  std::vector<std::span<gw_traffic>> rows;
  for (std::size_t cpu = 0; cpu < rows_.cpus(); cpu++) rows.push_back(rows_.backend_row(cpu));
  return rows;
}

void ProgramCounters::forget_backend(std::uint16_t id) {
  if (id < forgotten_backends_.size()) forgotten_backends_[id] = backend(id);
}

void ProgramCounters::forget_service(std::uint16_t id) {
  if (id < forgotten_services_.size()) forgotten_services_[id] = service(id);
}

}  // namespace guideway::datapath::xdp
