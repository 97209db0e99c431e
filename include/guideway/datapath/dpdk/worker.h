// SPDX-License-Identifier: Apache-2.0
// Worker: one shard's packet loop, a burst at a time:
//   receive -> linearise -> balance (the core) -> transmit, hand to the kernel, or free.
// What is to be dropped for its size alone may leave in fragments instead (fragment.h).
// It owns its RX and TX queues, its shard of the flow table and its counters, and shares nothing
// that it writes, except rings.
// Threading: poll_once() by one thread; counters() by any.
// Invariant: every packet received is counted in, and in exactly one reason, of exactly one worker.
#ifndef GUIDEWAY_DATAPATH_DPDK_WORKER_H_
#define GUIDEWAY_DATAPATH_DPDK_WORKER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "guideway/core/layout.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/dpdk/distribute.h"
#include "guideway/datapath/dpdk/kernel_side.h"
#include "guideway/datapath/dpdk/publish.h"
#include "guideway/datapath/dpdk/ring.h"
#include "guideway/datapath/dpdk/worker_counters.h"

struct gw_outcome;

namespace guideway::datapath::dpdk {

struct Fragments;

/// One worker's share of one interface.
struct WorkerInterface {
  static constexpr int kNoQueue = -1;

  std::uint16_t port_id = 0;
  /// kNoQueue: this worker does not receive here.
  int rx_queue = kNoQueue;
  /// kNoQueue: this worker sends through the outbox.
  int tx_queue = kNoQueue;
  /// The packets received are for all workers: pass them through the distributor.
  bool distribute = false;
  /// Bytes that the device takes. A longer frame would not only be refused: net_tap leaves it where
  /// it is, with everything behind it.
  unsigned longest_frame = 0;
  /// What others want sent here; worker 0 sends it.
  Ring* outbox = nullptr;
};

class Worker {
 public:
  /// Packets in flight through the stages: at least 32 hide the latency of the flow table.
  static constexpr unsigned kBurst = 32;

  struct Setup {
    unsigned index = 0;                       // also the shard
    std::vector<WorkerInterface> interfaces;  // in the order of the configuration
    FlowTableView flow_table;
    NatTableView nat_table;
    std::uint32_t backends = 0;  // capacity
    std::uint32_t services = 0;  // capacity
    std::uint32_t pools = 0;     // capacity
    // Owned by others, and outlive the worker:
    PublishedState* published = nullptr;
    KernelSide* kernel = nullptr;
    Distributor* distributor = nullptr;  // null: none is needed
  };

  explicit Worker(Setup setup);
  ~Worker();

  /// One round: everything that waits, at most a burst from each source. Returns the packets
  /// handled. `now_s` is coarse monotonic time.
  unsigned poll_once(std::uint32_t now_s);

  const WorkerCounters& counters() const { return counters_; }
  /// For Datapath::backend_rows().
  std::span<gw_traffic> backend_row() { return counters_.backends(); }
  /// Where it stands in the pools' rings. Not while the worker runs.
  std::span<gw_turn> turns() { return turns_; }

 private:
  struct Burst;
  struct TxBuffer;

  unsigned receive(unsigned interface);
  unsigned take_handed_over();
  unsigned send_outbox(unsigned interface);
  void distribute(unsigned interface, unsigned count);
  void hand_over(unsigned worker);
  void balance(unsigned count);
  unsigned make_packets(unsigned count);
  void dispatch(unsigned count);
  void send(unsigned interface, unsigned place);
  void drop(unsigned place);
  bool may_fragment() const;
  Fragments no_fragments();
  void send_fragments(unsigned interface, Fragments& fragments, const gw_outcome& outcome);
  void flush_transmit(unsigned interface);
  void flush_kernel(unsigned interface);
  unsigned transmit(unsigned interface, rte_mbuf** packets, unsigned count);
  void use(const Tables& tables);
  void count_in_and_drop(rte_mbuf* packet, gw_reason reason);

  const Setup setup_;
  WorkerCounters counters_;
  std::vector<gw_turn> turns_;
  std::uint16_t next_identification_;
  std::unique_ptr<Burst> burst_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_WORKER_H_
