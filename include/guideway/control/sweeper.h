// SPDX-License-Identifier: Apache-2.0
// Sweeper: walks the flow table, and after it the NAT table, in slices, clears expired entries, and
// counts flows per backend. The rules of an entry are in core/flow_table.h and core/nat_table.h;
// this is the walk. A word is changed only by compare-and-swap, so an entry that a worker has just
// refreshed is never cleared. Threading: one thread (the helper thread).
#ifndef GUIDEWAY_CONTROL_SWEEPER_H_
#define GUIDEWAY_CONTROL_SWEEPER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/datapath/datapath.h"

namespace guideway::control {

/// What one walk over the whole table found.
struct SweepResult {
  /// All packets saw this generation, or a later one, when the walk began.
  std::uint64_t generation = 0;
  /// Index: backend id. `live`: established flows. `held`: entries of any state; the id must not
  /// get a new meaning while there is one.
  std::vector<std::uint32_t> live;
  std::vector<std::uint32_t> held;
  /// Places of the NAT table that are taken. Index: plane.
  std::vector<std::uint32_t> nat_ports;
  std::uint64_t cleared = 0;
  std::uint32_t ended_s = 0;  // coarse monotonic
};

class Sweeper {
 public:
  /// The tables stay valid as long as the sweeper.
  explicit Sweeper(datapath::FlowTableView flows, datapath::NatTableView nat = {})
      : flows_(flows), nat_(nat) {}

  /// Walks up to `buckets` more buckets under the rules of `state`. Gives the result when that
  /// completes a walk. Backends whose id is set in `reset` get their flows marked for a reset.
  std::optional<SweepResult> step(const compile::ForwardingState& state,
                                  const std::vector<bool>& reset, std::uint32_t now_s,
                                  std::size_t buckets);

  /// True between walks.
  bool at_start() const { return next_ == 0; }
  std::size_t bucket_count() const { return flows_.buckets.size() + nat_.buckets.size(); }

 private:
  void sweep_bucket(gw_flow_bucket& bucket, const compile::ForwardingState& state,
                    const std::vector<bool>& reset, std::uint32_t now_s);

  void sweep_nat_bucket(std::size_t index, const compile::ForwardingState& state,
                        const std::vector<bool>& reset, std::uint32_t now_s);

  datapath::FlowTableView flows_;
  datapath::NatTableView nat_;
  std::size_t next_ = 0;
  SweepResult result_;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_SWEEPER_H_
