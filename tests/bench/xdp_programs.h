// SPDX-License-Identifier: Apache-2.0
// XdpPrograms: the three programs of the XDP benchmark, loaded over one set of tables, and the
// feeder that calls them. Needs root. Threading: one thread, pinned: counters are those of its CPU.
#ifndef GUIDEWAY_TESTS_BENCH_XDP_PROGRAMS_H_
#define GUIDEWAY_TESTS_BENCH_XDP_PROGRAMS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core_tables.h"
#include "feed.h"
#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/core/layout.h"
#include "guideway/datapath/xdp/balancer_object.h"
#include "guideway/datapath/xdp/cpu_rows.h"
#include "guideway/datapath/xdp/table_copies.h"

struct bpf_object;

namespace guideway::bench {

struct XdpTables {
  std::uint32_t backends = 1000;
  /// Entries of either flow table: a multiple of GW_FLOW_WAYS.
  std::uint32_t flow_entries = std::uint32_t{1} << 21;
};

/// What the feeder makes.
struct Packets {
  bench_program program = BENCH_EMPTY;
  std::uint64_t count = 0;
  /// Random ones below `flows`; or, if that is 0, one flow a packet, from number `first` on.
  std::uint32_t flows = 0;
  std::uint64_t first = 0;
  std::uint8_t tcp_flags = 0;
  /// How many slices of BENCH_SLICE are one test run, which is one RCU read section from end to
  /// end: old tables wait for it. The kernel adds two grace periods to each.
  std::uint64_t slices_at_once = BENCH_STAMPS;
};

class XdpPrograms {
 public:
  /// The balancer is the daemon's, with the capacity that a configuration has by default.
  static Result<std::unique_ptr<XdpPrograms>> load(const XdpTables& tables);

  /// Errors: the kernel refused; the last packet was not sent.
  Result<void> run(const Packets& packets);
  /// Of the last run: ns per packet of each slice of BENCH_SLICE packets, but for the last of each
  /// test run, which ends in the next one, and has in it what comes in between.
  std::vector<double> slices() const;
  /// Another generation for ours, as guidewayd swaps them. May be called beside run().
  Result<void> swap(const compile::ForwardingStatePtr& state);
  Generations& generations() { return generations_; }
  /// Sums over the CPUs, of both balancers.
  gw_counters counters() const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  using Object = std::unique_ptr<bpf_object, Close>;

  XdpPrograms(datapath::xdp::BalancerObject balancer, const XdpTables& tables)
      : balancer_(std::move(balancer)), generations_({.backends = tables.backends}) {}
  Result<void> publish(const gw_limits& limits);
  Result<void> load_lru(const gw_limits& limits, const XdpTables& tables);
  Result<void> load_feeder();

  datapath::xdp::BalancerObject balancer_;
  std::uint64_t slices_at_once_ = 1;
  Object lru_;
  Object feeder_;
  int feeder_fd_ = -1;
  datapath::xdp::MappedMap<bench_feed> feed_;
  datapath::xdp::CpuRows counters_;
  Generations generations_;
  std::unique_ptr<datapath::xdp::TableCopies> tables_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_XDP_PROGRAMS_H_
