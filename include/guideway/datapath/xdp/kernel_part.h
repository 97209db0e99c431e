// SPDX-License-Identifier: Apache-2.0
// KernelPart: all of a director that lives in the kernel: the flow table, the forwarding tables,
// the XDP programs and their links. It forwards by itself (datapath "xdp") or beside workers that
// share its memory ("afxdp"), and goes on when the daemon is gone.
//
//   open():    adopt or make the flow table; load a program per interface over it, with fresh
//              forwarding tables; find the links
//   prepare(): the first one pins what is new of it; until then all pins are as they were
//   attach():  the programs go onto the devices. A device that an earlier daemon's program serves
//              keeps that one until the first generation is complete, and is then switched over in
//              one step: switch_over().
//   stop():    keep everything, or take everything off
//   detach():  the same without a daemon
//
// Threading: control thread, but prepare() and reclaim() on the helper thread, and grace_passed()
// on any.
#ifndef GUIDEWAY_DATAPATH_XDP_KERNEL_PART_H_
#define GUIDEWAY_DATAPATH_XDP_KERNEL_PART_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/deferred_store.h"
#include "guideway/datapath/flow_store.h"
#include "guideway/datapath/kept_flows.h"
#include "guideway/datapath/nat_store.h"
#include "guideway/datapath/tables.h"
#include "guideway/datapath/xdp/attachment.h"
#include "guideway/datapath/xdp/balancer_object.h"
#include "guideway/datapath/xdp/host_interface.h"
#include "guideway/datapath/xdp/pin_dir.h"
#include "guideway/datapath/xdp/pin_store.h"
#include "guideway/datapath/xdp/program_counters.h"
#include "guideway/datapath/xdp/table_copies.h"

namespace guideway::datapath::xdp {

struct KernelInterface {
  std::string name;    // "wan"
  std::string device;  // "eth1"
  /// Take another's program off.
  bool replace_program = false;
};

struct KernelOptions {
  std::string director = "guideway";
  std::string pin_dir = "/run/guideway/bpf";
  /// Their order is the order of gw_backend::interface_index.
  std::vector<KernelInterface> interfaces;
  std::uint32_t services = 1024;
  std::uint32_t pools = 256;
  std::uint32_t slots = 16'777'216;
  std::uint32_t backends = 4096;
  std::uint32_t flows = 1'000'000;
  /// Planes of the NAT table; an adopted one may have more.
  std::uint32_t nat_addresses = 0;
  /// For an empty flow table; an adopted one has its own.
  model::HashSeed hash_seed{};
  /// Packets for a service go to a live worker's socket first.
  bool hand_over = false;
};

/// Takes off everything of a director that is not running; false when there was nothing. Errors: it
/// runs, perhaps in another network namespace; its pins are not trusted.
Result<bool> detach(const std::string& pin_dir, const std::string& director);

class KernelPart {
 public:
  /// Errors: a sentence for the operator; what was found is as it was.
  static Result<std::unique_ptr<KernelPart>> open(const KernelOptions& options);
  /// Keeps what was there before, takes off what is new, unless stop() was called.
  ~KernelPart();
  KernelPart(const KernelPart&) = delete;
  KernelPart& operator=(const KernelPart&) = delete;

  const std::optional<KeptFlows>& adopted() const { return flows_->adopted(); }
  FlowTableView flow_table() const { return flows_->view(); }
  NatTableView nat_table() const { return nat_->view(); }
  compile::NatIds nat_ids() const { return nat_->ids(); }
  /// Receive queues of the interface with the most.
  unsigned queues() const;

  /// Puts programs onto devices that have none of ours yet. Until the first publish() they pass
  /// everything to the kernel.
  Result<void> attach();

  Result<void> prepare(const compile::ForwardingStatePtr& state);
  TablesPtr publish(const compile::ForwardingStatePtr& state);
  /// Puts the programs in place of an earlier daemon's, where that has not succeeded yet. Call it
  /// after each publish(), once whoever they hand packets to has those tables.
  void switch_over();
  void reclaim();
  bool grace_passed(std::uint64_t generation) const { return tables_->grace_passed(generation); }

  ProgramCounters& counters() { return *counters_; }
  const ProgramCounters& counters() const { return *counters_; }
  /// Written by the worker of each queue; index: queue.
  std::span<gw_heartbeat> heartbeats() const { return heartbeats_.values(); }
  std::vector<InterfaceStatus> interface_status() const;

  /// Idempotent: the first call counts.
  void stop(End end);

 private:
  struct Interface {
    KernelInterface options;
    HostInterface facts;
    std::optional<BalancerObject> program;
    std::optional<Attachment> attachment;
    bool switched_over = false;
  };

  KernelPart(const KernelOptions& options, PinDir pins)
      : options_(options), pins_(std::move(pins)) {}
  Result<void> look_at_interfaces();
  Result<void> open_flows();
  Result<void> load_programs();
  base::FileDescriptor adopted_sockets(const Interface& interface) const;
  BalancerObject::Maps existing_maps(std::size_t interface) const;
  Result<void> pin_sockets(std::size_t interface);
  Result<void> map_tables(const gw_limits& limits);
  Result<void> find_attachments();
  void forget_other_devices();
  bool links_own_device(const std::string& pin) const;
  Result<void> put(Interface& interface);

  const KernelOptions options_;
  const PinDir pins_;
  PinStore pin_store_{pins_, options_.director};
  /// What is new is pinned by the first prepare().
  DeferredStore store_{pin_store_};
  /// Pins that were there before.
  std::set<std::string> found_;
  std::optional<FlowStore> flows_;
  std::optional<NatStore> nat_;
  std::vector<Interface> interfaces_;
  std::vector<base::FileDescriptor> sockets_;  // [interface], when adopted
  std::unique_ptr<TableCopies> tables_;
  std::unique_ptr<ProgramCounters> counters_;
  MappedMap<gw_heartbeat> heartbeats_;
  bool all_switched_over_ = false;
  bool stopped_ = false;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_KERNEL_PART_H_
