// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker_counters.h"

#include <rte_atomic.h>

#include "guideway/datapath/counters.h"

namespace guideway::datapath::dpdk {
namespace {

void add_all(const std::vector<gw_traffic>& from, std::vector<gw_traffic>& sums) {
  if (sums.size() < from.size()) sums.resize(from.size());
  for (std::size_t i = 0; i < from.size(); i++) datapath::add(sums[i], read_traffic(from[i]));
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
    copy = read_counters(counters_);
    if (before % 2 == 0 && bursts_.load(std::memory_order_relaxed) == before) return copy;
  }
  // From the middle of a burst: packets that are counted in, but not yet under a reason, come with
  // the next snapshot.
  copy.packets_in = sum_of_reasons(copy);
  return copy;
}

void WorkerCounters::add_backends_to(std::vector<gw_traffic>& sums) const {
  add_all(backends_, sums);
}

void WorkerCounters::add_services_to(std::vector<gw_traffic>& sums) const {
  add_all(services_, sums);
}

gw_traffic WorkerCounters::backend(std::uint16_t id) const {
  return id < backends_.size() ? read_traffic(backends_[id]) : gw_traffic{};
}

gw_traffic WorkerCounters::service(std::uint16_t id) const {
  return id < services_.size() ? read_traffic(services_[id]) : gw_traffic{};
}

}  // namespace guideway::datapath::dpdk
