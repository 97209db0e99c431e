// SPDX-License-Identifier: Apache-2.0
// DpdkDatapath: pinned workers poll the devices that DPDK drives, run the core over every burst,
// and pass to the kernel what is not for a service. This header knows no rte_* type.
// Threading: as Datapath says. One may run per process at a time; start() and stop() may be
// repeated.
#ifndef GUIDEWAY_DATAPATH_DPDK_DPDK_DATAPATH_H_
#define GUIDEWAY_DATAPATH_DPDK_DPDK_DATAPATH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/dpdk/idle.h"
#include "guideway/datapath/tables.h"

namespace guideway::datapath::dpdk {

struct InterfaceOptions {
  /// Of the configuration: "wan". Its kernel side is the TAP "gw-wan".
  std::string name;
  /// "pci:0000:3b:00.0" or "vdev:net_tap0,iface=nic0".
  std::string device;
};

/// Where packets that are not for a service go.
enum class KernelSideKind {
  kTap,
  kNone,  // nowhere: counted as kernel_queue_full. For benchmarks and tests; needs no privilege
};

/// For workers beside an XDP program (datapath "afxdp"): the memory that they share with it. One
/// interface then is a device per worker: worker w of interface i uses devices[i][w].
struct Beside {
  FlowTableView flow_table;
  NatTableView nat_table;
  /// [queue]: a worker writes the time here at every poll.
  std::span<gw_heartbeat> heartbeats;
  std::vector<std::vector<std::string>> devices;
};

/// Plain values; the compiler of the configuration fills them.
struct Options {
  std::string director = "guideway";  // its name
  /// Their order is the order of gw_backend::interface_index.
  std::vector<InterfaceOptions> interfaces;
  /// One worker each; empty: every CPU of this process but the first, at least one, at most
  /// kMaxAutomaticWorkers.
  std::vector<unsigned> worker_cpus;
  Idle idle = Idle::kAdaptive;
  KernelSideKind kernel_side = KernelSideKind::kTap;
  /// All shards together.
  std::uint32_t flows = 1'000'000;
  std::uint32_t backends = 4096;
  std::uint32_t services = 1024;
  std::uint32_t pools = 256;
  /// Planes of the NAT table; an adopted one may have more.
  std::uint32_t nat_addresses = 0;
  /// Appended to ours.
  std::vector<std::string> eal_arguments;
  /// Where the flow table outlives the daemon: a directory in memory. Empty: it does not.
  std::string flow_dir;
  model::HashSeed hash_seed{};
  std::optional<Beside> beside;
};

inline constexpr unsigned kMaxAutomaticWorkers = 16;

class DpdkDatapath : public Datapath {
 public:
  /// publish() for tables that lie elsewhere.
  virtual void publish_tables(TablesPtr tables) = 0;

  /// Starts devices, TAPs and workers. Until the first publish() every packet goes to the kernel.
  /// Blocks for up to a few seconds (EAL, links). Afterwards the calling thread is kept off the
  /// workers' CPUs if others are left. Errors: a sentence for the operator; nothing is left behind.
  static Result<std::unique_ptr<DpdkDatapath>> start(const Options& options);
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_DPDK_DATAPATH_H_
