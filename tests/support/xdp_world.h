// SPDX-License-Identifier: Apache-2.0
// XdpWorld: the XDP program as the daemon loads it, with the same tables, run on frames by
// BPF_PROG_TEST_RUN; no device is needed. Its clock stands still. Needs root.
// Threading: run() on any thread; a run stays on one CPU, as in the kernel.
#ifndef GUIDEWAY_TESTS_SUPPORT_XDP_WORLD_H_
#define GUIDEWAY_TESTS_SUPPORT_XDP_WORLD_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"
#include "guideway/datapath/xdp/balancer_object.h"
#include "guideway/datapath/xdp/mapped_map.h"
#include "guideway/datapath/xdp/program_counters.h"
#include "guideway/datapath/xdp/table_copies.h"
#include "tests/support/frame.h"

namespace guideway::test {

class XdpWorld {
 public:
  struct Size {
    std::uint32_t buckets_per_shard = 64;
    std::uint32_t shards = 1;
    std::uint32_t backends = 64;
    std::uint32_t services = 64;
    std::uint32_t slots = 1 << 18;
    std::uint32_t nat_planes = 0;
  };

  /// What the kernel runs a program on: an Ethernet header at least, a page less headroom at most.
  static constexpr std::size_t kShortestFrame = 14;
  static constexpr std::size_t kLongestFrame = 3400;

  struct Ran {
    gw_verdict verdict = GW_DROP;
    /// Of GW_FORWARD.
    std::uint16_t interface_index = 0;
    /// Also when it was dropped.
    Bytes bytes;
  };

  static Result<std::unique_ptr<XdpWorld>> load(const Size& size);

  Result<void> publish(const compile::ForwardingStatePtr& state);
  /// One frame, received on interface 0.
  Result<Ran> run(const Bytes& frame, std::uint32_t queue = 0);
  /// A kernel device that run() may name queues of; without one there is only queue 0.
  void set_device(std::uint32_t ifindex) { ifindex_ = ifindex; }

  /// Sums over the CPUs.
  gw_counters counters() const;
  std::vector<gw_traffic> backend_traffic() const;
  std::vector<gw_traffic> service_traffic() const;
  std::span<gw_flow_bucket> buckets() { return buckets_.values(); }
  std::span<gw_nat_bucket> nat_buckets() { return nat_buckets_.values(); }
  /// A row for each CPU.
  std::vector<std::span<gw_traffic>> backend_rows() const { return counters_->backend_rows(); }
  /// All CPUs stand at the beginning of every ring, and no backend has a live flow.
  void forget_turns();

  std::uint32_t now_s() const { return test_[0].now_s; }
  void set_now_s(std::uint32_t now_s) { test_[0].now_s = now_s; }

 private:
  explicit XdpWorld(datapath::xdp::BalancerObject object) : object_(std::move(object)) {}
  Result<void> map(const gw_limits& limits);

  datapath::xdp::BalancerObject object_;
  datapath::xdp::MappedMap<gw_test> test_;
  datapath::xdp::MappedMap<gw_flow_bucket> buckets_;
  datapath::xdp::MappedMap<gw_turn> turns_;
  datapath::xdp::MappedMap<gw_nat_bucket> nat_buckets_;
  std::uint32_t ifindex_ = 0;
  std::unique_ptr<datapath::xdp::TableCopies> tables_;
  std::unique_ptr<datapath::xdp::ProgramCounters> counters_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_XDP_WORLD_H_
