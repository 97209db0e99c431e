// SPDX-License-Identifier: Apache-2.0
// ProgramCounters: what the XDP program counts, a row a CPU, read through mapped memory.
// Threading: any thread; forget_*() on the control thread.
#ifndef GUIDEWAY_DATAPATH_XDP_PROGRAM_COUNTERS_H_
#define GUIDEWAY_DATAPATH_XDP_PROGRAM_COUNTERS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/xdp/balancer_object.h"
#include "guideway/datapath/xdp/mapped_map.h"

namespace guideway::datapath::xdp {

class ProgramCounters {
 public:
  struct Maps {
    MappedMap<gw_cpu_counters> cpus;
    MappedMap<gw_traffic> backends;  // [cpu][id]
    MappedMap<gw_traffic> services;  // [cpu][id]

    /// Those of a loaded program. Errors: they cannot be mapped.
    static Result<Maps> of(const BalancerObject& object, const gw_limits& limits);
  };
  explicit ProgramCounters(Maps maps);

  /// One row for every CPU that has counted something.
  std::vector<WorkerStatus> rows() const;
  /// Added to `sums`, by id, without what was forgotten.
  void add_backends_to(std::vector<gw_traffic>& sums) const;
  void add_services_to(std::vector<gw_traffic>& sums) const;

  /// For Datapath::backend_rows(): a row for every CPU.
  std::vector<std::span<gw_traffic>> backend_rows() const;

  /// The id has a new meaning: it starts at 0.
  void forget_backend(std::uint16_t id);
  void forget_service(std::uint16_t id);

 private:
  gw_traffic sum(const MappedMap<gw_traffic>& map, std::size_t id) const;
  std::size_t cpu_count() const { return maps_.cpus.values().size(); }

  const Maps maps_;
  std::vector<gw_traffic> forgotten_backends_;
  std::vector<gw_traffic> forgotten_services_;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_PROGRAM_COUNTERS_H_
