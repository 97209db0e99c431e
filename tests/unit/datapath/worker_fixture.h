// SPDX-License-Identifier: Apache-2.0
// WorkerFixture: real DPDK workers on ports whose wires are rings, run step by step, without huge
// pages, privileges, threads or time. Put frames in, poll, take out what was sent and what went to
// the kernel. Threading: one thread.
#ifndef GUIDEWAY_TESTS_UNIT_DATAPATH_WORKER_FIXTURE_H_
#define GUIDEWAY_TESTS_UNIT_DATAPATH_WORKER_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/datapath/dpdk/buffer_pool.h"
#include "guideway/datapath/dpdk/flow_table_memory.h"
#include "guideway/datapath/dpdk/kernel_side.h"
#include "guideway/datapath/dpdk/port.h"
#include "guideway/datapath/dpdk/publish.h"
#include "guideway/datapath/dpdk/worker.h"

struct rte_mempool;
struct rte_ring;

namespace guideway::datapath::dpdk::testing {

using Frame = std::vector<std::uint8_t>;

/// Starts EAL for tests: no huge pages, no privileges. Ends the program if that fails.
void start_test_eal();

/// The buffers of the BufferPool that this process has just now.
rte_mempool* running_pool();

/// A port "vdev:net_ring_<name>" whose receive and transmit side are rings of this process.
class RingPort {
 public:
  RingPort(const std::string& name, unsigned queues, unsigned tx_length);
  ~RingPort();
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  /// For InterfaceOptions::device.
  std::string device() const { return "vdev:" + device_name(); }
  std::string device_name() const { return "net_ring_" + name_; }

  /// Puts the frame on the wire, as a chain of buffers of `segment` bytes (0: one buffer).
  void put(rte_mempool* pool, const Frame& frame, unsigned queue = 0, std::size_t segment = 0);
  /// Takes everything that was sent, from all queues.
  std::vector<Frame> take_sent();

 private:
  std::string name_;
  std::vector<rte_ring*> receive_;
  std::vector<rte_ring*> transmit_;
};

/// Keeps what is handed to the kernel, up to a number of frames an interface.
class KernelRecorder : public KernelSide {
 public:
  unsigned to_kernel(unsigned interface, rte_mbuf** packets, unsigned count) override;
  std::vector<Frame> take(unsigned interface);

  std::size_t capacity = 1'000'000;

 private:
  std::vector<std::vector<Frame>> frames_;
};

class WorkerFixture {
 public:
  struct Options {
    unsigned interfaces = 1;
    unsigned workers = 1;
    /// Fewer than workers: worker 0 distributes, and sends for the others.
    unsigned queues = 1;
    unsigned tx_length = 1024;
    std::uint32_t flows = 4096;
    std::uint32_t backends = 64;
    std::uint32_t services = 16;
    std::uint32_t pools = 16;
    std::uint32_t nat_planes = 0;
  };

  explicit WorkerFixture(const Options& options);
  WorkerFixture() : WorkerFixture(Options()) {}

  void publish(compile::ForwardingStatePtr state) { published_.publish(std::move(state)); }
  PublishedState& published() { return published_; }
  FlowTableView flow_table() { return flow_table_->view(); }
  NatTableView nat_table() { return {nat_buckets_, options_.nat_planes}; }

  void put(unsigned interface, const Frame& frame, unsigned queue = 0, std::size_t segment = 0) {
    wires_[interface]->put(pool_->get(), frame, queue, segment);
  }
  /// As the host would send it.
  void put_from_kernel(unsigned interface, const Frame& frame);

  /// One round of every worker, in order. Returns the packets handled.
  unsigned poll(std::uint32_t now_s);
  /// Rounds until one handles nothing.
  void run_until_idle(std::uint32_t now_s);

  std::vector<Frame> sent(unsigned interface) { return wires_[interface]->take_sent(); }
  std::vector<Frame> to_kernel(unsigned interface) { return kernel_.take(interface); }
  KernelRecorder& kernel() { return kernel_; }

  gw_counters counters(unsigned worker = 0) const {
    return workers_[worker]->counters().snapshot();
  }
  Worker& worker(unsigned worker) { return *workers_[worker]; }
  /// Sum over the workers.
  gw_traffic backend_traffic(std::uint16_t id) const;
  gw_traffic service_traffic(std::uint16_t id) const;

  /// What a worker was made from, to run another of that number (on a thread, say).
  Worker::Setup setup(unsigned worker);
  unsigned free_buffers() const;
  /// Takes all free buffers but `left`, until they are given back.
  void hide_buffers(unsigned left);
  void give_buffers_back();

 private:
  const Options options_;
  std::vector<gw_nat_bucket> nat_buckets_;
  // In the order in which they are made; each uses the ones before it.
  PublishedState published_;
  std::optional<FlowTableMemory> flow_table_;
  std::optional<BufferPool> pool_;
  KernelRecorder kernel_;
  std::vector<Ring> outboxes_;
  std::unique_ptr<Distributor> distributor_;
  std::vector<std::unique_ptr<RingPort>> wires_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<rte_mbuf*> hidden_;
};

/// packets_in equals the sum over all reasons.
bool adds_up(const gw_counters& counters);

}  // namespace guideway::datapath::dpdk::testing

#endif  // GUIDEWAY_TESTS_UNIT_DATAPATH_WORKER_FIXTURE_H_
