// SPDX-License-Identifier: Apache-2.0
// TableCopies: the forwarding tables in the XDP program's maps, GW_COPIES times side by side. A new
// generation is written into a free copy, then one word is flipped; nobody ever sees half of it.
//
//   free -> filling -> filled -> live -> left -> free
//              prepare()     publish()      reclaim(): no packet and no worker can be reading it
//
// Threading: prepare() and reclaim() on the helper thread, publish() on the control thread.
// Invariants: one copy at most is live; a copy that the program or a worker may read is not
// written. Source: membarrier(2): MEMBARRIER_CMD_GLOBAL waits for an RCU grace period, and XDP
// programs run inside RCU read sections.
#ifndef GUIDEWAY_DATAPATH_XDP_TABLE_COPIES_H_
#define GUIDEWAY_DATAPATH_XDP_TABLE_COPIES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/tables.h"
#include "guideway/datapath/xdp/balancer_object.h"
#include "guideway/datapath/xdp/mapped_map.h"

namespace guideway::datapath::xdp {

/// The maps that hold copies, and how long one copy is in each.
struct CopyMaps {
  MappedMap<gw_control> control;
  MappedMap<gw_service> services;
  MappedMap<gw_pool> pools;
  MappedMap<gw_slot_line> slots;
  MappedMap<gw_backend> backends;
  MappedMap<gw_nat_address> nat_addresses;

  /// Those of a loaded program. Errors: they cannot be mapped.
  static Result<CopyMaps> of(const BalancerObject& object, const gw_limits& limits);

  std::size_t services_each() const { return services.values().size() / GW_COPIES; }
  std::size_t pools_each() const { return pools.values().size() / GW_COPIES; }
  std::size_t slot_lines_each() const { return slots.values().size() / GW_COPIES; }
  std::size_t backends_each() const { return backends.values().size() / GW_COPIES; }
  std::size_t nat_addresses_each() const { return nat_addresses.values().size() / GW_COPIES; }
};

class TableCopies {
 public:
  explicit TableCopies(CopyMaps maps);

  /// Writes `state` into a free copy, waiting for one when there is none: a grace period is some
  /// 10 ms. Errors: it is larger than the maps; no copy became free within a second.
  Result<void> prepare(const compile::ForwardingStatePtr& state);

  /// Makes the generation that was prepared live. `keep` of the result marks the copy as being read
  /// by workers. REQUIRES: prepare() succeeded for `state` and nothing was prepared since.
  TablesPtr publish(const compile::ForwardingStatePtr& state);

  /// Frees copies that nobody can be reading. May wait for a grace period.
  void reclaim();

  /// True once no packet is handled under a generation before `generation`. Any thread.
  bool grace_passed(std::uint64_t generation) const;

  /// Says to people who look at the maps that the daemon is alive.
  void write_alive(std::uint64_t now_s);

 private:
  enum class Use { kFree, kFilled, kLive, kLeft };
  struct Copy {
    Use use = Use::kFree;
    std::uint64_t generation = 0;
    std::weak_ptr<const void> readers;  // workers that still have it
  };

  Result<void> check_sizes(const compile::ForwardingState& state) const;
  Result<std::uint32_t> take_free_copy();
  void fill(std::uint32_t copy, const compile::ForwardingState& state);

  const CopyMaps maps_;
  std::mutex mutex_;                      // guards copies_; never held while waiting or copying
  std::array<Copy, GW_COPIES> copies_{};  // guarded by mutex_
  std::atomic<std::uint64_t> live_generation_{0};
  std::atomic<std::uint64_t> graced_generation_{0};
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_TABLE_COPIES_H_
