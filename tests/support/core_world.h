// SPDX-License-Identifier: Apache-2.0
// CoreWorld: everything that the shared core needs besides packets, in memory: the forwarding state
// of a configuration, flow tables, counters, a clock that stands still until a test moves it.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_SUPPORT_CORE_WORLD_H_
#define GUIDEWAY_TESTS_SUPPORT_CORE_WORLD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/balance.h"
#include "tests/support/frame.h"
#include "tests/support/generations.h"

namespace guideway::test {

struct WorldSize {
  std::uint32_t buckets_per_shard = 64;
  std::uint32_t shards = 1;
  std::uint32_t nat_planes = 0;
};

class CoreWorld {
 public:
  static constexpr std::uint32_t kStart_s = 1000;

  explicit CoreWorld(WorldSize size = {});

  /// Makes the next generation what packets see.
  Result<void> publish(const model::Model& model, const compile::NextHops& next_hops);
  void publish(compile::ForwardingStatePtr state);

  /// The port of one shard. Valid until publish().
  const gw_port& port(std::uint32_t shard = 0) const { return ports_.at(shard); }
  /// Handles one frame at now_s().
  gw_outcome balance(Frame& frame, std::uint32_t shard = 0);

  const compile::ForwardingState& state() const { return *state_; }
  gw_counters& counters(std::uint32_t shard = 0) { return counters_.at(shard); }
  /// By backend id; those of shard 1 follow those of shard 0.
  std::vector<gw_traffic>& backend_traffic() { return backend_traffic_; }
  std::span<gw_traffic> backend_row(std::uint32_t shard);
  std::vector<gw_traffic>& service_traffic() { return service_traffic_; }
  std::vector<gw_flow_bucket>& buckets() { return buckets_; }
  std::vector<gw_nat_bucket>& nat_buckets() { return nat_buckets_; }

  std::uint32_t now_s() const { return now_s_; }
  void set_now_s(std::uint32_t now_s) { now_s_ = now_s; }
  /// The next sweep: clears what has expired, marks the flows of backend id `reset`, if it is one.
  void sweep(std::uint32_t reset = GW_NO_BACKEND);
  /// Entries that are not empty, of all shards.
  std::size_t live_flows() const;

 private:
  gw_port make_port(std::uint32_t shard);
  void sweep_nat(std::uint32_t reset);

  WorldSize size_;
  Generations generations_;
  compile::ForwardingStatePtr state_;
  std::uint32_t now_s_ = kStart_s;
  std::vector<gw_flow_bucket> buckets_;
  std::vector<gw_nat_bucket> nat_buckets_;
  std::vector<gw_counters> counters_;  // by shard
  std::vector<gw_traffic> backend_traffic_;
  std::vector<gw_traffic> service_traffic_;
  std::vector<gw_turn> turns_;
  std::vector<gw_port> ports_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_CORE_WORLD_H_
