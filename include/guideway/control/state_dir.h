// SPDX-License-Identifier: Apache-2.0
// The state directory: made with mode 0700, locked against a second daemon, and home of the hash
// seed when the configuration names none, and of what outlives the daemon (health verdicts).
// Threading: start-up; save() anywhere, one at a time for a name.
#ifndef GUIDEWAY_CONTROL_STATE_DIR_H_
#define GUIDEWAY_CONTROL_STATE_DIR_H_

#include <optional>
#include <string>
#include <string_view>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"
#include "guideway/model/model.h"

namespace guideway::control {

class StateDir {
 public:
  /// Creates the directory (and its parents) if it is missing, refuses one that others may write,
  /// takes from others what else they may do with it, and locks it until destruction. The same goes
  /// for the files in it when they are read.
  static Result<StateDir> open(const std::string& path);

  /// The seed in the file "hash_seed" (mode 0600, no links followed); made from the kernel's random
  /// numbers when there is no such file. A damaged file is an error: a new seed would move flows.
  /// Earlier versions kept the 16 bytes alone: such a file stays as it is, so that they can come
  /// back.
  Result<model::HashSeed> hash_seed() const;

  /// What save() has kept under that name; empty if there is no such file. Errors: it is damaged or
  /// of another version, and was set aside as NAME.bad.
  Result<std::string> load(const std::string& name) const;
  /// Keeps `content` in place of what was there, whole or not at all: with a version, its length
  /// and a checksum, by a temporary file, fsync and rename. Any thread.
  Result<void> save(const std::string& name, std::string_view content) const;
  /// What load() gave turned out to be damaged: keeps the file as NAME.bad, too, when NAME is saved
  /// anew.
  Result<void> set_aside(const std::string& name) const;

 private:
  StateDir(base::FileDescriptor fd, std::string path);
  Result<std::string> read_checked(int fd, const std::string& name) const;
  Result<model::HashSeed> read_seed(int fd, const std::string& name) const;

  base::FileDescriptor fd_;
  std::string path_;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_STATE_DIR_H_
