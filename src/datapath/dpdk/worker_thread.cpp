// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker_thread.h"

#include <string>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/datapath/dpdk/thread.h"

namespace guideway::datapath::dpdk {

WorkerThread::WorkerThread(Worker::Setup setup, unsigned cpu, Idle idle)
    : index_(setup.index),
      cpu_(cpu),
      idle_(idle),
      published_(setup.published),
      worker_(std::move(setup)) {}

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

void WorkerThread::run() {
  ask_for_exact_sleeps();
  IdleBackoff idle(idle_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    idle.wait(worker_.poll_once(base::coarse_now_s()));
  }
  published_->leave(index_);
}

}  // namespace guideway::datapath::dpdk
