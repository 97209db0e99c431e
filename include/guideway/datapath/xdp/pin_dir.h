// SPDX-License-Identifier: Apache-2.0
// PinDir: one director's directory in a BPF file system, where its maps and links outlive it.
// Threading: control thread; start-up and stopping.
#ifndef GUIDEWAY_DATAPATH_XDP_PIN_DIR_H_
#define GUIDEWAY_DATAPATH_XDP_PIN_DIR_H_

#include <string>
#include <vector>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"

namespace guideway::datapath::xdp {

class PinDir {
 public:
  /// The directory PIN_DIR/DIRECTOR, made if it is missing. When PIN_DIR is on no BPF file system,
  /// one is mounted there, and the log says so. Locked until destruction. Errors: no permission; a
  /// directory that others own or may write: its pins cannot be trusted; another daemon has it.
  static Result<PinDir> open(const std::string& pin_dir, const std::string& director);
  /// Whether there is such a directory, or whatever else has its name.
  static bool exists(const std::string& pin_dir, const std::string& director);
  /// The same as open(), but makes, mounts and locks nothing. Errors: there is none.
  static Result<PinDir> find(const std::string& pin_dir, const std::string& director);

  const std::string& path() const { return path_; }
  /// Whether a daemon has it: one that ended, however it did, has it no more.
  bool in_use() const;

  /// Whether something is pinned under that name.
  bool contains(const std::string& name) const;
  /// The object of that name; an empty descriptor when there is none.
  Result<base::FileDescriptor> get(const std::string& name) const;
  /// Pins `fd` in place of what has that name, in one step.
  Result<void> put(int fd, const std::string& name) const;
  /// A link takes its program off its device first.
  void remove(const std::string& name) const;
  /// Takes the name away, and nothing off a device: for what has another name.
  void forget(const std::string& name) const;
  /// The director of a directory's name.
  static std::string with_dots(std::string name);
  /// As they stand in the file system: a dot is written "%2E".
  std::vector<std::string> names() const;
  std::string path_of(const std::string& name) const;
  /// remove() for every pin, and the directory.
  void remove_all() const;

 private:
  explicit PinDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
  base::FileDescriptor lock_;  // after open()
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_PIN_DIR_H_
