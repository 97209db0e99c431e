// SPDX-License-Identifier: Apache-2.0
// Datapath: what the control side sees of whatever moves packets. Each implementation lives in its
// own folder and knows the core and the forwarding state, never the control side. Threading: all
// methods are called on the control thread, except where they say otherwise.
#ifndef GUIDEWAY_DATAPATH_DATAPATH_H_
#define GUIDEWAY_DATAPATH_DATAPATH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"
#include "guideway/datapath/kept_flows.h"

namespace guideway::datapath {

/// The whole flow table: shard s is buckets [s * buckets_per_shard, (s + 1) * buckets_per_shard).
/// Words are shared with the packet path: read with relaxed atomic loads, change by
/// compare-and-swap.
struct FlowTableView {
  std::span<gw_flow_bucket> buckets;
  std::uint32_t shard_count = 0;
  std::uint32_t buckets_per_shard = 0;
};

/// The whole NAT table: plane p is buckets [p * GW_NAT_PLANE, (p + 1) * GW_NAT_PLANE), of which the
/// first is its header. Shared with the packet path as the flow table is; see core/nat_table.h.
struct NatTableView {
  std::span<gw_nat_bucket> buckets;
  std::uint32_t planes = 0;
};

/// Between an interface and the host's network stack, since the start.
struct KernelTraffic {
  std::uint64_t to_kernel = 0;
  /// Of those that a worker counted as "to the kernel": the kernel did not take them (its side is
  /// down).
  std::uint64_t to_kernel_refused = 0;
  std::uint64_t from_kernel = 0;
  /// The host sent faster than the device takes.
  std::uint64_t from_kernel_dropped = 0;
};

struct InterfaceStatus {
  std::string name;
  std::string device;
  std::string driver;
  /// The kernel's side: "gw-wan" in dpdk.
  std::string kernel_name;
  std::string mac;
  unsigned mtu = 0;
  bool link_up = false;
  unsigned rx_queues = 0;
  KernelTraffic kernel;
};

/// What one worker, or the XDP program on one CPU, counted since the start.
struct WorkerStatus {
  std::string role = "worker";  // or "xdp"
  unsigned cpu = 0;
  /// Of a worker. The program runs any shard on any CPU.
  unsigned shard = 0;
  gw_counters counters{};
  /// Of a worker: time in rounds that handled packets, and in all rounds, sleeps included. The
  /// kernel does not say it of the program: 0.
  std::uint64_t busy_ns = 0;
  std::uint64_t total_ns = 0;
};

struct DatapathStatus {
  std::string kind;          // "dpdk"
  std::string memory;        // "huge pages (2 MB)" or "no huge pages: …"
  std::string distribution;  // how packets reach workers: "rss", "worker 0 distributes", …
  std::vector<InterfaceStatus> interfaces;
  std::vector<WorkerStatus> workers;
  /// Sums over the workers. Index: backend id, service id. An id that gets a new meaning starts at
  /// 0.
  std::vector<gw_traffic> backends;
  std::vector<gw_traffic> services;
};

/// What becomes of that which can outlive the daemon: kernel programs that go on forwarding, and
/// the flow table.
enum class End { kKeep, kDetach };

class Datapath {
 public:
  virtual ~Datapath() = default;

  /// What an earlier daemon has left and this one goes on with; none: flows start anew. When there
  /// is something, its hash seed and ids hold, not the configuration's.
  virtual const std::optional<KeptFlows>& adopted() const = 0;

  /// Does for `state` what takes long, before publish(). Helper thread (control thread before the
  /// first publish()). Errors: it does not fit; nothing has changed.
  virtual Result<void> prepare(const compile::ForwardingStatePtr& state) = 0;

  /// Makes `state` what packets see, within microseconds and never blocking. Keeps it alive until
  /// no worker can read it any more. REQUIRES: prepare() succeeded for it, and for none since.
  virtual void publish(compile::ForwardingStatePtr state) = 0;

  /// True once no worker uses a generation older than `generation`. Any thread.
  virtual bool grace_passed(std::uint64_t generation) const = 0;

  /// Frees forwarding states that no worker can read any more. Helper thread.
  virtual void reclaim() = 0;

  /// Valid until stop(). Any thread.
  virtual FlowTableView flow_table() = 0;

  /// Likewise; without planes when no pool has forwarding "nat".
  virtual NatTableView nat_table() { return {}; }

  /// Whose planes the NAT table's are: what was adopted, before the first prepare().
  virtual compile::NatIds nat_ids() { return compile::NatIds(); }

  /// Coarse CLOCK_MONOTONIC seconds, the clock of the flow table. Any thread.
  virtual std::uint32_t now_s() const = 0;

  /// Sets the traffic counters of a backend or service id to zero, before the id gets a new
  /// meaning.
  virtual void forget_backend_traffic(std::uint16_t id) = 0;
  virtual void forget_service_traffic(std::uint16_t id) = 0;

  /// The backends' counters, a row for each worker or CPU; index: backend id. `flows` goes on being
  /// written; `load_offset` is for the sweeper to write, by whole 8-byte stores. As long as the
  /// datapath lives. Any thread.
  virtual std::vector<std::span<gw_traffic>> backend_rows() = 0;

  virtual DatapathStatus status() const = 0;

  /// Packets go on being forwarded after stop(End::kKeep), or a crash.
  virtual bool forwards_without_daemon() const = 0;

  /// Stops workers and gives devices back. Idempotent: the first call counts. The destructor calls
  /// it, too: it keeps what was adopted, and detaches what was new.
  virtual void stop(End end) = 0;
};

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_DATAPATH_H_
