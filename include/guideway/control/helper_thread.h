// SPDX-License-Identifier: Apache-2.0
// HelperThread: a thread for what takes long, so that the control thread's loop never waits. The
// controller has two: one for what failover waits for (table builds, sweeps, reclaiming), and one
// for what it must not wait for (texts of answers, differences, saving). Values go in, values come
// out: a job must not touch what the control thread owns, and hands its result back by posting to
// the event loop. The thread has no capabilities. Threading: run() and the destructor on the
// control thread.
#ifndef GUIDEWAY_CONTROL_HELPER_THREAD_H_
#define GUIDEWAY_CONTROL_HELPER_THREAD_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace guideway::control {

class HelperThread {
 public:
  using Job = std::function<void()>;

  /// `name` has at most 15 characters.
  explicit HelperThread(const char* name);
  /// Runs `periodic` about every `period`, between jobs.
  HelperThread(const char* name, std::chrono::milliseconds period, Job periodic);
  /// Finishes the job in hand, drops the queued ones.
  ~HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  /// Queues a job; jobs run in order.
  void run(Job job);

 private:
  void loop();

  std::chrono::milliseconds period_;
  Job periodic_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;     // last: starts when all else exists
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_HELPER_THREAD_H_
