// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/thread.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <sched.h>

#include <utility>

namespace guideway::datapath::dpdk {

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const SignalsBlocked blocked;
  std::thread thread([body = std::move(body)] {
    // Without it (too many threads) the buffer pool works too, only slower.
    const bool registered = rte_thread_register() == 0;
    body();
    if (registered) rte_thread_unregister();
  });
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

Result<void> pin(std::thread& thread, unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (int error = pthread_setaffinity_np(thread.native_handle(), sizeof set, &set)) {
    return base::fail_errno("cannot pin a worker to CPU " + std::to_string(cpu), error);
  }
  return {};
}

}  // namespace guideway::datapath::dpdk
