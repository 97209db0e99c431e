// SPDX-License-Identifier: Apache-2.0
// InstanceLock: one guidewayd per director name and network namespace. An abstract socket: it
// leaves nothing behind, whatever ends the process. Threading: start-up only.
#ifndef GUIDEWAY_APP_INSTANCE_LOCK_H_
#define GUIDEWAY_APP_INSTANCE_LOCK_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::app {

class InstanceLock {
 public:
  static Result<InstanceLock> take(const std::string& director);
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;
  ~InstanceLock();

 private:
  explicit InstanceLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_INSTANCE_LOCK_H_
