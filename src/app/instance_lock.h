// SPDX-License-Identifier: Apache-2.0
// InstanceLock: one guidewayd per director name and network namespace, also when two have different
// state directories. A locked file in a folder that only the daemon's user may write, so that
// nobody else can keep it from starting. Threading: start-up only.
#ifndef GUIDEWAY_APP_INSTANCE_LOCK_H_
#define GUIDEWAY_APP_INSTANCE_LOCK_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::app {

class InstanceLock {
 public:
  /// Makes the folder with mode 0755 if it is missing. The file's name has the director's and the
  /// network namespace's number.
  static Result<InstanceLock> take(const std::string& director,
                                   const std::string& folder = "/run/guideway");
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;
  /// Removes the file and, if it made it and it is empty, the folder. A file that a killed daemon
  /// left is no obstacle, since the lock ended with it, and goes at the end with its folder.
  ~InstanceLock();

 private:
  InstanceLock(std::string path, std::string made_folder);
  Result<bool> try_lock();

  int fd_ = -1;
  std::string path_;
  std::string made_folder_;
};

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_INSTANCE_LOCK_H_
