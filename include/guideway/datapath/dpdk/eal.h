// SPDX-License-Identifier: Apache-2.0
// DPDK's environment (EAL): started once per process, with or without huge pages, without files,
// sockets or multi-process support.
// Threading: control thread.
// Source: DPDK 22.11 Programmer's Guide, "Environment Abstraction Layer", and its Linux EAL
// parameters.
#ifndef GUIDEWAY_DATAPATH_DPDK_EAL_H_
#define GUIDEWAY_DATAPATH_DPDK_EAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "guideway/base/result.h"

namespace guideway::datapath::dpdk {

enum class HugePageUse {
  kIfAvailable,
  kNever,  // for tests: the same memory on every machine, and no privilege
};

struct EalOptions {
  /// Names what shows in /proc and in DPDK's directories.
  std::string director = "guideway";
  /// The control threads keep off these CPUs if others are left.
  std::vector<unsigned> worker_cpus;
  /// What packet buffers and rings will take.
  std::size_t memory_mb = 64;
  HugePageUse huge_pages = HugePageUse::kIfAvailable;
  /// "0000:3b:00.0": the only PCI devices to touch. None: the PCI bus is not looked at.
  std::vector<std::string> pci_addresses;
  /// Appended to ours.
  std::vector<std::string> extra_arguments;
};

/// How DPDK got its memory.
struct EalMemory {
  bool huge_pages = false;
  /// For status and the log: "huge pages (2 MB)" or "no huge pages: <why, and what to do>".
  std::string description;
};

/// The first call starts EAL; later ones return what that gave, and their options are not looked
/// at. The calling thread is pinned to the control threads' CPUs.
Result<EalMemory> start_eal(const EalOptions& options);

/// The command line that start_eal() gives to EAL. Pure.
std::vector<std::string> eal_arguments(const EalOptions& options, bool huge_pages,
                                       const std::vector<unsigned>& allowed_cpus);

/// The CPUs that this process was allowed to use when it was first asked, ascending.
std::vector<unsigned> allowed_cpus();

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_EAL_H_
