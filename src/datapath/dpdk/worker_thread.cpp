// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker_thread.h"

#include <rte_cycles.h>

#include <string>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/datapath/dpdk/thread.h"

namespace guideway::datapath::dpdk {
namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;
/// Longer than a packet is on its way from the program to the socket.
constexpr std::uint64_t kHandBackNs = 10'000'000;

}  // namespace

WorkerThread::WorkerThread(Worker::Setup setup, unsigned cpu, Idle idle, gw_heartbeat* heartbeat)
    : index_(setup.index),
      cpu_(cpu),
      idle_(idle),
      published_(setup.published),
      heartbeat_(heartbeat),
      worker_(std::move(setup)),
      time_(rte_get_tsc_hz()) {}

Result<void> WorkerThread::start() {
  thread_ = start_thread("gw-worker-" + std::to_string(index_), [this] { run(); });
  auto pinned = pin(thread_, cpu_);
  if (!pinned) {
    ask_to_stop();
    join();
  }
  return pinned;
}

void WorkerThread::join() {
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::beat(std::uint64_t now_ns) {
  if (heartbeat_) __atomic_store_n(&heartbeat_->coarse_ns, now_ns, __ATOMIC_RELAXED);
}

/// Lets the XDP program take the queue at once, then serves what it had already handed over.
void WorkerThread::hand_back() {
  if (!heartbeat_) return;
  beat(0);
  const std::uint64_t until = base::coarse_now_ns() + kHandBackNs;
  IdleBackoff idle(idle_);
  while (base::coarse_now_ns() < until) idle.wait(worker_.poll_once(base::coarse_now_s()));
}

void WorkerThread::run() {
  ask_for_exact_sleeps();
  IdleBackoff idle(idle_);
  time_.begin(rte_rdtsc());
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ns = base::coarse_now_ns();
    beat(now_ns);
    const unsigned packets = worker_.poll_once(static_cast<std::uint32_t>(now_ns / kNsPerS));
    idle.wait(packets);
    time_.round(rte_rdtsc(), packets);
  }
  hand_back();
  published_->leave(index_);
}

}  // namespace guideway::datapath::dpdk
