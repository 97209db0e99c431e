// SPDX-License-Identifier: Apache-2.0
// Threads of the datapath: named, with all signals blocked (signals are the control thread's),
// known to DPDK, so that they have a cache in the buffer pool.
// Threading: start_thread() by any; the others concern the calling thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_THREAD_H_
#define GUIDEWAY_DATAPATH_DPDK_THREAD_H_

#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "guideway/base/result.h"

namespace guideway::datapath::dpdk {

/// Blocks all signals of the calling thread, and of the threads it starts, while it lives.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// `name`: at most 15 bytes, as top and gdb show it. REQUIRES: EAL is started.
std::thread start_thread(const std::string& name, std::function<void()> body);

/// Errors: the CPU is not there, or not for this process.
Result<void> pin(std::thread& thread, unsigned cpu);

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_THREAD_H_
