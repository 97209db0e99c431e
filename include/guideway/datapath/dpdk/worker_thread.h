// SPDX-License-Identifier: Apache-2.0
// WorkerThread: a Worker on a thread of its own, pinned to one CPU, polling until it is stopped.
// Threading: control thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_WORKER_THREAD_H_
#define GUIDEWAY_DATAPATH_DPDK_WORKER_THREAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/dpdk/busy_time.h"
#include "guideway/datapath/dpdk/idle.h"
#include "guideway/datapath/dpdk/worker.h"

namespace guideway::datapath::dpdk {

class WorkerThread {
 public:
  /// `heartbeat`: where to write the time at every poll; null: nowhere.
  WorkerThread(Worker::Setup setup, unsigned cpu, Idle idle, gw_heartbeat* heartbeat = nullptr);
  ~WorkerThread() { join(); }

  Result<void> start();
  /// Returns at once; the worker ends its round.
  void ask_to_stop() { stopping_.store(true, std::memory_order_relaxed); }
  /// Waits for the thread. REQUIRES: ask_to_stop(), or start() was not called.
  void join();

  const Worker& worker() const { return worker_; }
  Worker& worker() { return worker_; }
  /// Any thread.
  const BusyTime& time() const { return time_; }
  unsigned cpu() const { return cpu_; }
  unsigned shard() const { return index_; }

 private:
  void run();
  void beat(std::uint64_t now_ns);
  void hand_back();

  const unsigned index_;
  const unsigned cpu_;
  const Idle idle_;
  PublishedState* const published_;
  gw_heartbeat* const heartbeat_;
  Worker worker_;
  BusyTime time_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_WORKER_THREAD_H_
