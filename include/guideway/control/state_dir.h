// SPDX-License-Identifier: Apache-2.0
// The state directory: made with mode 0700, locked against a second daemon, and home of the hash
// seed when the configuration names none.
// Threading: start-up only.
#ifndef GUIDEWAY_CONTROL_STATE_DIR_H_
#define GUIDEWAY_CONTROL_STATE_DIR_H_

#include <string>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"
#include "guideway/model/model.h"

namespace guideway::control {

class StateDir {
 public:
  /// Creates the directory (and its parents) if it is missing, refuses one that others may write,
  /// and locks it until destruction.
  static Result<StateDir> open(const std::string& path);

  /// The seed in the file "hash_seed" (mode 0600, no links followed); made from the kernel's random
  /// numbers when there is no such file. A damaged file is an error: a new seed would move flows.
  Result<model::HashSeed> hash_seed() const;

 private:
  StateDir(base::FileDescriptor fd, std::string path);

  base::FileDescriptor fd_;
  std::string path_;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_STATE_DIR_H_
