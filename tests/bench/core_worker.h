// SPDX-License-Identifier: Apache-2.0
// CoreWorker: what a DPDK worker is between receive and transmit: the packet path over the tables
// of a generation, a shard of a flow table, and counters of its own. Threading: one thread; the
// flow table may be shared, as workers share it.
#ifndef GUIDEWAY_TESTS_BENCH_CORE_WORKER_H_
#define GUIDEWAY_TESTS_BENCH_CORE_WORKER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core_tables.h"
#include "guideway/base/result.h"
#include "guideway/core/port_native.h"
#include "guideway/datapath/tables.h"
#include "packet_ring.h"
#include "pages.h"
// port_native.h must come before the other core headers.
#include "guideway/core/outcome.h"

namespace guideway::bench {

/// As GW_BURST_MAX, without its header.
inline constexpr std::uint32_t kMaxBurst = 64;

enum class Pipeline {
  kBurst,       // gw_balance_burst()
  kSequential,  // gw_balance(), one packet after another
};

/// Seconds of the clock that workers use.
std::uint32_t now_seconds();

/// A flow table of `shards` shards with `entries` each. A multiple of GW_FLOW_WAYS.
struct FlowTable {
  static Result<FlowTable> make(std::uint64_t entries, PageKind largest, std::uint32_t shards = 1);

  Pages pages;
  std::uint32_t buckets_per_shard;
  std::uint32_t shards;

  void clear();
};

class CoreWorker {
 public:
  /// The flow table outlives this. Counts for as many ids as `sizes` has.
  CoreWorker(FlowTable& flows, const compile::ForwardingState& sizes, std::uint32_t shard = 0);
  CoreWorker(const CoreWorker&) = delete;

  /// From here on the packets see these tables, which the caller keeps.
  void use(const datapath::Tables& tables);
  void use_nat_table(gw_nat_bucket* buckets, std::uint32_t count);

  /// One burst of the ring, from buffer `first` on. REQUIRES: count <= kMaxBurst, and as many
  /// outcomes.
  void balance(const PacketRing& ring, std::uint32_t first, std::uint32_t count,
               std::uint32_t now_s, gw_outcome* outcomes, Pipeline pipeline = Pipeline::kBurst);

  const gw_counters& counters() const { return counters_; }

 private:
  gw_counters counters_{};
  std::vector<gw_traffic> backend_traffic_;
  std::vector<gw_traffic> service_traffic_;
  std::vector<gw_turn> turns_;
  gw_port port_{};
};

/// What the counters have gained.
struct CounterDifference {
  gw_counters before;
  const gw_counters& now;
  std::uint64_t event(gw_event which) const { return now.events[which] - before.events[which]; }
  std::uint64_t reason(gw_reason which) const { return now.reasons[which] - before.reasons[which]; }
  std::uint64_t packets() const { return now.packets_in - before.packets_in; }
};
inline CounterDifference since_now(const CoreWorker& worker) {
  return {worker.counters(), worker.counters()};
}

/// Sends a packet of each of the flows `first` to `last` - 1, rings of them at a time; calls
/// `each(flow, outcome)` if there is one. The time is the clock's unless it is given.
void send_flows(CoreWorker& worker, PacketRing& ring, std::uint64_t first, std::uint64_t last,
                TcpFlags flags,
                const std::function<void(std::uint64_t, const gw_outcome&)>& each = {},
                std::optional<std::uint32_t> given_s = {});

/// Two packets of each flow: the first makes the entry, the second makes it established.
void establish_flows(CoreWorker& worker, PacketRing& ring, std::uint64_t first, std::uint64_t last);

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_CORE_WORKER_H_
