// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker_counters.h"

#include <rte_atomic.h>

#include <iterator>
#include <numeric>

namespace guideway::datapath::dpdk {
namespace {

/// Acquire, so that the sequence number is read again only after the counter: on x86 a plain load.
std::uint64_t read(const std::uint64_t& counter) {
  return __atomic_load_n(&counter, __ATOMIC_ACQUIRE);
}

gw_counters read_all(const gw_counters& from) {
  gw_counters copy{};
  copy.packets_in = read(from.packets_in);
  copy.bytes_in = read(from.bytes_in);
  for (int i = 0; i < GW_REASON_COUNT; i++) copy.reasons[i] = read(from.reasons[i]);
  for (int i = 0; i < GW_EVENT_COUNT; i++) copy.events[i] = read(from.events[i]);
  return copy;
}

gw_traffic read_all(const gw_traffic& from) {
  return {read(from.packets), read(from.bytes), read(from.flows), 0};
}

void add(const std::vector<gw_traffic>& from, std::vector<gw_traffic>& sums) {
  if (sums.size() < from.size()) sums.resize(from.size());
  for (std::size_t i = 0; i < from.size(); i++) {
    const gw_traffic one = read_all(from[i]);
    sums[i].packets += one.packets;
    sums[i].bytes += one.bytes;
    sums[i].flows += one.flows;
  }
}

}  // namespace

void WorkerCounters::begin() {
  bursts_.store(bursts_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  // The odd number is visible before any counter changes. On x86 this only holds back the compiler.
  rte_smp_wmb();
}

void WorkerCounters::end() {
  // Release: pairs with the acquire load in snapshot().
  bursts_.store(bursts_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

gw_counters WorkerCounters::snapshot() const {
  gw_counters copy{};
  for (int i = 0; i < kAttempts; i++) {
    const std::uint64_t before = bursts_.load(std::memory_order_acquire);
    copy = read_all(counters_);
    if (before % 2 == 0 && bursts_.load(std::memory_order_relaxed) == before) return copy;
  }
  // From the middle of a burst: packets that are counted in, but not yet under a reason, come with
  // the next snapshot.
  copy.packets_in =
      std::accumulate(std::begin(copy.reasons), std::end(copy.reasons), std::uint64_t{0});
  return copy;
}

void WorkerCounters::add_backends_to(std::vector<gw_traffic>& sums) const { add(backends_, sums); }

void WorkerCounters::add_services_to(std::vector<gw_traffic>& sums) const { add(services_, sums); }

gw_traffic WorkerCounters::backend(std::uint16_t id) const {
  return id < backends_.size() ? read_all(backends_[id]) : gw_traffic{};
}

gw_traffic WorkerCounters::service(std::uint16_t id) const {
  return id < services_.size() ? read_all(services_[id]) : gw_traffic{};
}

}  // namespace guideway::datapath::dpdk
