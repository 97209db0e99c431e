// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/table_copies.h"

#include <linux/membarrier.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

namespace guideway::datapath::xdp {
namespace {

/// How often a full set of copies is looked at again: workers leave a copy within a poll.
constexpr std::chrono::milliseconds kRetry{1};
/// A grace period is some 10 ms, and a worker's round far less: who takes longer stands still.
constexpr std::chrono::milliseconds kLongestWait{1000};

constexpr std::chrono::milliseconds kInsteadOfBarrier{100};

/// Returns when every packet that was being handled at the call has been handled.
void wait_for_packets() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  // Refused with nohz_full, or by a seccomp filter. The kernel handles a packet without a pause, in
  // microseconds; this is ten thousand times as long.
  static std::once_flag said;
  std::call_once(said, [] {
    spdlog::warn("membarrier is refused ({}): old tables wait {} ms instead", std::strerror(errno),
                 kInsteadOfBarrier.count());
  });
  std::this_thread::sleep_for(kInsteadOfBarrier);
}

Result<void> check_size(std::size_t wanted, std::size_t there, const std::string& what) {
  if (wanted <= there) return {};
  return base::fail(
      "the generation has " + std::to_string(wanted) + " " + what + ", more than the " +
      std::to_string(there) +
      " that the XDP program's maps were sized for: raise the [capacity] and restart");
}

}  // namespace

Result<CopyMaps> CopyMaps::of(const BalancerObject& object, const gw_limits& limits) {
  constexpr std::size_t kCopies = GW_COPIES;
  CopyMaps maps;
  const auto map = [&](auto& member, const char* name, std::size_t count) {
    return object.map_into(member, name, count);
  };
  auto mapped =
      map(maps.control, GW_CONTROL_SECTION, 1)
          .and_then([&] { return map(maps.services, "gw_services", kCopies * limits.services); })
          .and_then([&] { return map(maps.pools, "gw_pools", kCopies * limits.pools); })
          .and_then([&] { return map(maps.slots, "gw_slots", kCopies * limits.slot_lines); })
          .and_then([&] { return map(maps.backends, "gw_backends", kCopies * limits.backends); })
          .and_then([&] {
            return map(maps.nat_addresses, "gw_nat_addr",
                       std::max<std::size_t>(1, kCopies * limits.nat_planes));
          });
  if (!mapped) return tl::unexpected(mapped.error());
  return maps;
}

TableCopies::TableCopies(CopyMaps maps) : maps_(std::move(maps)) {
  // Names no copy: every packet passes to the kernel until the first publish().
  __atomic_store_n(&maps_.control[0].live_copy, GW_COPIES, __ATOMIC_RELEASE);
}

Result<void> TableCopies::check_sizes(const compile::ForwardingState& state) const {
  return check_size(state.services.size(), maps_.services_each(), "service table entries")
      .and_then([&] { return check_size(state.pools.size(), maps_.pools_each(), "pools"); })
      .and_then([&] {
        return check_size(state.slots.size(), maps_.slot_lines_each() * GW_SLOTS_PER_LINE, "slots");
      })
      .and_then(
          [&] { return check_size(state.backends.size(), maps_.backends_each(), "backend ids"); })
      .and_then([&] {
        return check_size(state.nat_addresses.size(), maps_.nat_addresses_each(), "NAT addresses");
      });
}

Result<void> TableCopies::prepare(const compile::ForwardingStatePtr& state) {
  if (auto fits = check_sizes(*state); !fits) return fits;
  const auto copy = take_free_copy();
  if (!copy) return tl::unexpected(copy.error());
  fill(*copy, *state);
  const std::lock_guard lock(mutex_);
  copies_[*copy].generation = state->generation();
  return {};
}

Result<std::uint32_t> TableCopies::take_free_copy() {
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (std::chrono::steady_clock::now() < deadline) {
    {
      const std::lock_guard lock(mutex_);
      // What was prepared and never published is free again.
      for (Copy& copy : copies_)
        if (copy.use == Use::kFilled) copy.use = Use::kFree;
      for (std::uint32_t i = 0; i < GW_COPIES; i++) {
        if (copies_[i].use != Use::kFree) continue;
        copies_[i] = {Use::kFilled, 0, {}};
        return i;
      }
    }
    reclaim();
    std::this_thread::sleep_for(kRetry);
  }
  return base::fail("all copies of the tables are in use: a worker stands still");
}

void TableCopies::fill(std::uint32_t copy, const compile::ForwardingState& state) {
  const std::size_t slots_each = maps_.slot_lines_each() * GW_SLOTS_PER_LINE;
  auto* slots = reinterpret_cast<std::uint16_t*>(maps_.slots.values().data());
  gw_backend* backends = &maps_.backends[copy * maps_.backends_each()];
  gw_state& header = maps_.control[0].states[copy];
  header = state.header;
  header.first_service = static_cast<std::uint32_t>(copy * maps_.services_each());
  header.first_pool = static_cast<std::uint32_t>(copy * maps_.pools_each());
  header.first_slot_line = static_cast<std::uint32_t>(copy * maps_.slot_lines_each());
  header.first_backend = static_cast<std::uint32_t>(copy * maps_.backends_each());
  header.first_nat_address = static_cast<std::uint32_t>(copy * maps_.nat_addresses_each());
  std::copy(state.services.begin(), state.services.end(),
            &maps_.services[copy * maps_.services_each()]);
  std::copy(state.pools.begin(), state.pools.end(), &maps_.pools[copy * maps_.pools_each()]);
  std::copy(state.slots.begin(), state.slots.end(), slots + copy * slots_each);
  std::copy(state.backends.begin(), state.backends.end(), backends);
  gw_nat_address* nat = &maps_.nat_addresses[copy * maps_.nat_addresses_each()];
  std::copy(state.nat_addresses.begin(), state.nat_addresses.end(), nat);
  std::fill(nat + state.nat_addresses.size(), nat + maps_.nat_addresses_each(), gw_nat_address{});
  // An entry of the flow table may name any id: what is not given out must say so.
  std::fill(backends + state.backends.size(), backends + maps_.backends_each(), gw_backend{});
}

TablesPtr TableCopies::publish(const compile::ForwardingStatePtr& state) {
  const std::lock_guard lock(mutex_);
  std::uint32_t next = 0;
  while (copies_[next].use != Use::kFilled || copies_[next].generation != state->generation())
    next++;
  for (Copy& copy : copies_)
    if (copy.use == Use::kLive) copy.use = Use::kLeft;
  auto readers = std::make_shared<const int>(0);
  copies_[next].use = Use::kLive;
  copies_[next].readers = readers;
  // Release: the copy is complete before a packet learns of it.
  __atomic_store_n(&maps_.control[0].live_copy, next, __ATOMIC_RELEASE);
  live_generation_.store(state->generation(), std::memory_order_release);
  const auto* slots = reinterpret_cast<const std::uint16_t*>(maps_.slots.values().data());
  return std::make_shared<const Tables>(
      Tables{&maps_.control[0].states[next], &maps_.services[next * maps_.services_each()],
             &maps_.pools[next * maps_.pools_each()],
             slots + next * maps_.slot_lines_each() * GW_SLOTS_PER_LINE,
             &maps_.backends[next * maps_.backends_each()],
             &maps_.nat_addresses[next * maps_.nat_addresses_each()], readers});
}

void TableCopies::reclaim() {
  const std::uint64_t live = live_generation_.load(std::memory_order_acquire);
  std::array<bool, GW_COPIES> left{};
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t i = 0; i < GW_COPIES; i++)
      left[i] = copies_[i].use == Use::kLeft && copies_[i].readers.expired();
  }
  const bool any_left = std::find(left.begin(), left.end(), true) != left.end();
  if (!any_left && graced_generation_.load(std::memory_order_relaxed) == live) return;
  wait_for_packets();
  graced_generation_.store(live, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < GW_COPIES; i++)
    if (left[i]) copies_[i] = {};
}

bool TableCopies::grace_passed(std::uint64_t generation) const {
  return graced_generation_.load(std::memory_order_acquire) >= generation;
}

void TableCopies::write_alive(std::uint64_t now_s) {
  __atomic_store_n(&maps_.control[0].daemon_alive_s, now_s, __ATOMIC_RELAXED);
}

}  // namespace guideway::datapath::xdp
