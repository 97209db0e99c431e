// SPDX-License-Identifier: Apache-2.0
// CpuRows: the XDP program's map gw_cpu_counters, mapped into memory. One value is one CPU's row:
//
//   gw_cpu_counters | gw_traffic of each backend id | gw_traffic of each service id
//
// Threading: as the memory behind it is used; a row is written by its CPU alone.
#ifndef GUIDEWAY_DATAPATH_XDP_CPU_ROWS_H_
#define GUIDEWAY_DATAPATH_XDP_CPU_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/xdp/mapped_map.h"

namespace guideway::datapath::xdp {

class CpuRows {
 public:
  static constexpr const char* kMap = "gw_cpu_counters";

  /// Bytes of a row.
  static std::size_t size_for(std::size_t backends, std::size_t services) {
    return sizeof(gw_cpu_counters) + (backends + services) * sizeof(gw_traffic);
  }

  CpuRows() = default;
  /// REQUIRES: `fd` is an array map with BPF_F_MMAPABLE, of at least `cpus` values of that size.
  static Result<CpuRows> make(int fd, std::size_t cpus, std::size_t backends,
                              std::size_t services) {
    CpuRows rows;
    rows.backends_ = backends;
    rows.services_ = services;
    auto words = MappedMap<std::uint64_t>::make(fd, cpus * rows.words_each(), kMap);
    if (!words) return tl::unexpected(words.error());
    rows.words_ = std::move(*words);
    return rows;
  }

  std::size_t cpus() const { return words_.values().size() / words_each(); }
  std::size_t backends() const { return backends_; }
  std::size_t services() const { return services_; }

  const gw_counters& counters(std::size_t cpu) const {
    return reinterpret_cast<const gw_cpu_counters*>(row(cpu))->counters;
  }
  /// REQUIRES: id < backends().
  const gw_traffic& backend(std::size_t cpu, std::size_t id) const { return traffic(cpu)[id]; }
  /// All backends of one CPU, by id.
  std::span<gw_traffic> backend_row(std::size_t cpu) const {
    auto words = words_.values().subspan(cpu * words_each() + kHeadWords);
    return {reinterpret_cast<gw_traffic*>(words.data()), backends_};
  }
  /// REQUIRES: id < services().
  const gw_traffic& service(std::size_t cpu, std::size_t id) const {
    return traffic(cpu)[backends_ + id];
  }

 private:
  static constexpr std::size_t kHeadWords = sizeof(gw_cpu_counters) / sizeof(std::uint64_t);

  std::size_t words_each() const { return size_for(backends_, services_) / sizeof(std::uint64_t); }
  const std::uint64_t* row(std::size_t cpu) const { return &words_[cpu * words_each()]; }
  const gw_traffic* traffic(std::size_t cpu) const {
    return reinterpret_cast<const gw_traffic*>(row(cpu) + kHeadWords);
  }

  MappedMap<std::uint64_t> words_;
  std::size_t backends_ = 0;
  std::size_t services_ = 0;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_CPU_ROWS_H_
