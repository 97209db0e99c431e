// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/publish.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <string>
#include <utility>

namespace guideway::datapath::dpdk {
namespace {

/// A service table without services, so that every packet goes to the kernel.
TablesPtr empty_state() {
  auto state = std::make_shared<compile::ForwardingState>();
  state->header.service_count = 2;
  state->header.service_seed = 1;
  for (auto& mix : state->header.hash_key.mix) mix = 1;
  state->services.resize(state->header.service_count);
  return tables_of(std::move(state));
}

}  // namespace

PublishedState::PublishedState(unsigned workers) : seen_(workers), owner_(empty_state()) {
  current_.store(owner_.get(), std::memory_order_release);
}

void PublishedState::publish(TablesPtr tables) {
  const std::lock_guard lock(mutex_);
  assert(tables->generation() > owner_->generation());
  // Release: pairs with read().
  current_.store(tables.get(), std::memory_order_release);
  retired_.push_back(std::exchange(owner_, std::move(tables)));
}

Result<void> PublishedState::has_room() {
  reclaim();
  const std::lock_guard lock(mutex_);
  if (retired_.size() < kMostRetired) return {};
  return base::fail(std::to_string(retired_.size()) +
                    " generations wait for a worker that stands still: no more are made");
}

void PublishedState::leave(unsigned worker) {
  seen_[worker].generation.store(std::numeric_limits<std::uint64_t>::max(),
                                 std::memory_order_release);
}

std::uint64_t PublishedState::oldest_in_use() const {
  auto oldest = std::numeric_limits<std::uint64_t>::max();
  for (const auto& seen : seen_) {
    // Acquire: pairs with read() and leave().
    oldest = std::min(oldest, seen.generation.load(std::memory_order_acquire));
  }
  return oldest;
}

bool PublishedState::grace_passed(std::uint64_t generation) const {
  return oldest_in_use() >= generation;
}

std::size_t PublishedState::reclaim() {
  std::vector<TablesPtr> free_now;  // destroyed after the lock is given up
  const std::uint64_t oldest = oldest_in_use();
  {
    const std::lock_guard lock(mutex_);
    auto in_use = [&](const auto& state) { return state->generation() >= oldest; };
    auto first_free = std::partition(retired_.begin(), retired_.end(), in_use);
    std::move(first_free, retired_.end(), std::back_inserter(free_now));
    retired_.erase(first_free, retired_.end());
  }
  return free_now.size();
}

}  // namespace guideway::datapath::dpdk
