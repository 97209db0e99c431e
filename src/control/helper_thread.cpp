// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/helper_thread.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "guideway/base/privileges.h"

namespace guideway::control {

HelperThread::HelperThread(const char* name) : HelperThread(name, std::chrono::hours(24), [] {}) {}

HelperThread::HelperThread(const char* name, std::chrono::milliseconds period, Job periodic)
    : period_(period), periodic_(std::move(periodic)), thread_([this] { loop(); }) {
  pthread_setname_np(thread_.native_handle(), name);
}

HelperThread::~HelperThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_one();
  thread_.join();
}

void HelperThread::run(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void HelperThread::loop() {
  if (auto dropped = base::drop_privileges(base::Keep::kNothing); !dropped)
    spdlog::warn("helper thread: {}", dropped.error().message);
  auto due = std::chrono::steady_clock::now() + period_;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!jobs_.empty()) {
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      try {
        job();
      } catch (const std::exception& error) {
        spdlog::error("helper thread: {}; please report this", error.what());
      }
      lock.lock();
      continue;
    }
    if (std::chrono::steady_clock::now() >= due) {
      lock.unlock();
      periodic_();
      lock.lock();
      due = std::chrono::steady_clock::now() + period_;
      continue;
    }
    wake_.wait_until(lock, due);
  }
}

}  // namespace guideway::control
