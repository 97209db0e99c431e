// SPDX-License-Identifier: Apache-2.0
// WorkerCounters: what one worker counts, and how others read it.
// Threading: the worker writes between begin() and end(), with plain relaxed stores; snapshot() and
// the traffic readers run on any thread and never hold up the worker.
#ifndef GUIDEWAY_DATAPATH_DPDK_WORKER_COUNTERS_H_
#define GUIDEWAY_DATAPATH_DPDK_WORKER_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "guideway/core/layout.h"

namespace guideway::datapath::dpdk {

class WorkerCounters {
 public:
  WorkerCounters(std::uint32_t backends, std::uint32_t services)
      : backends_(backends), services_(services) {}

  /// Worker: around everything it counts for one burst, corrections included.
  void begin();
  void end();

  /// The worker's own, for gw_port.
  gw_counters* counters() { return &counters_; }
  std::vector<gw_traffic>& backends() { return backends_; }
  std::vector<gw_traffic>& services() { return services_; }

  /// The counters between two bursts. After kAttempts tries under full load, what was read last,
  /// with packets_in made from the reasons: they always add up.
  gw_counters snapshot() const;
  static constexpr int kAttempts = 1000;

  /// Adds this worker's traffic to `sums`, index by index.
  void add_backends_to(std::vector<gw_traffic>& sums) const;
  void add_services_to(std::vector<gw_traffic>& sums) const;
  gw_traffic backend(std::uint16_t id) const;
  gw_traffic service(std::uint16_t id) const;

 private:
  /// Odd while a burst is being counted.
  alignas(64) std::atomic<std::uint64_t> bursts_{0};
  gw_counters counters_{};
  std::vector<gw_traffic> backends_;
  std::vector<gw_traffic> services_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_WORKER_COUNTERS_H_
