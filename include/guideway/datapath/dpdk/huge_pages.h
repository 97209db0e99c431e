// SPDX-License-Identifier: Apache-2.0
// Are there huge pages for DPDK? Asked before EAL starts, since EAL cannot be started twice.
// Threading: no state.
// Source: Documentation/admin-guide/mm/hugetlbpage.rst of the Linux kernel.
#ifndef GUIDEWAY_DATAPATH_DPDK_HUGE_PAGES_H_
#define GUIDEWAY_DATAPATH_DPDK_HUGE_PAGES_H_

#include <cstddef>
#include <string>

namespace guideway::datapath::dpdk {

struct HugePages {
  bool enough = false;
  /// "huge pages (2 MB)" or "no huge pages: <why, and what to do>".
  std::string description;
};

/// Whether `memory_mb` of one size of huge pages can be had by this process now.
HugePages probe_huge_pages(std::size_t memory_mb);

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_HUGE_PAGES_H_
