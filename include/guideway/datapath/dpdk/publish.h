// SPDX-License-Identifier: Apache-2.0
// PublishedState: one pointer to the tables in force, and for every worker the generation
// that it saw last. A worker reads the pointer once per poll; a state is freed when every worker
// has been seen with a newer one (quiescent-state reclamation).
// Threading: publish() on one thread, read() on the worker of that number, the rest on any thread.
// Invariants: generations only grow; a worker's seen generation only grows.
#ifndef GUIDEWAY_DATAPATH_DPDK_PUBLISH_H_
#define GUIDEWAY_DATAPATH_DPDK_PUBLISH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/datapath/tables.h"

namespace guideway::datapath::dpdk {

class PublishedState {
 public:
  /// Starts with the empty state, generation 0, in which no packet is for a service.
  explicit PublishedState(unsigned workers);

  /// REQUIRES: a generation above that of every state published before.
  void publish(TablesPtr tables);
  void publish(compile::ForwardingStatePtr state) { publish(tables_of(std::move(state))); }

  /// How many states may wait for workers that still read an older one.
  static constexpr std::size_t kMostRetired = 32;
  /// Before more is made for publish(). Errors: too many wait already, since a worker stands still.
  Result<void> has_room();

  /// The state to use until the next call; the one returned before must not be used any more.
  const Tables& read(unsigned worker) {
    // Acquire: pairs with publish(). The state's bytes are complete.
    const auto* state = current_.load(std::memory_order_acquire);
    // Release: pairs with oldest_in_use(). All reads of the state before this one are done.
    seen_[worker].generation.store(state->generation(), std::memory_order_release);
    return *state;
  }

  /// The worker has stopped and will not read again.
  void leave(unsigned worker);

  /// True once every worker uses `generation` or a newer one.
  bool grace_passed(std::uint64_t generation) const;

  /// Frees the states that no worker can be reading. Returns how many.
  std::size_t reclaim();

 private:
  struct alignas(64) Seen {
    /// 0 until the first read: a worker that has not started yet may still pick up any state.
    std::atomic<std::uint64_t> generation{0};
  };

  std::uint64_t oldest_in_use() const;

  std::atomic<const Tables*> current_;
  std::vector<Seen> seen_;

  /// Guards what follows; never taken by a worker, never held while a state is destroyed.
  std::mutex mutex_;
  TablesPtr owner_;  // keeps *current_ alive
  std::vector<TablesPtr> retired_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_PUBLISH_H_
