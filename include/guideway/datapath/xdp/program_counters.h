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
#include "guideway/datapath/xdp/cpu_rows.h"

namespace guideway::datapath::xdp {

class ProgramCounters {
 public:
  /// The rows of a loaded program. Errors: they cannot be mapped.
  static Result<CpuRows> rows_of(const BalancerObject& object, const gw_limits& limits);
  explicit ProgramCounters(CpuRows rows);

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
  gw_traffic backend(std::size_t id) const;
  gw_traffic service(std::size_t id) const;

  const CpuRows rows_;
  std::vector<gw_traffic> forgotten_backends_;
  std::vector<gw_traffic> forgotten_services_;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_PROGRAM_COUNTERS_H_
