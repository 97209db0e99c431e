// SPDX-License-Identifier: Apache-2.0
#include "instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace guideway::app {
namespace {

/// How often a file that another daemon removes just now is made again.
constexpr int kAttempts = 10;

/// The folder if it was made, empty if it was there.
Result<std::string> make_folder(const std::string& folder) {
  const bool made = mkdir(folder.c_str(), 0755) == 0;
  if (!made && errno != EEXIST)
    return base::fail_errno(
        "folder " + folder + ": cannot create it (with systemd: RuntimeDirectory=guideway)", errno);
  if (made && chmod(folder.c_str(), 0755) != 0)  // whatever the umask is
    return base::fail_errno("folder " + folder + ": cannot set its mode", errno);
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0) return base::fail_errno("folder " + folder, errno);
  const bool trusted = status.st_uid == 0 || status.st_uid == geteuid();
  if (!S_ISDIR(status.st_mode) || !trusted || (status.st_mode & 022) != 0)
    return base::fail("folder " + folder +
                      ": is no folder of the daemon's user alone; make it root's, with mode 0755");
  return made ? folder : std::string();
}

/// Tells network namespaces apart: the same director may run in two.
std::string namespace_number() {
  struct stat status {};
  if (stat("/proc/self/ns/net", &status) != 0) return "0";
  return std::to_string(status.st_ino);
}

}  // namespace

InstanceLock::InstanceLock(std::string path, std::string made_folder)
    : path_(std::move(path)), made_folder_(std::move(made_folder)) {}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      made_folder_(std::exchange(other.made_folder_, {})) {}

InstanceLock::~InstanceLock() {
  if (fd_ >= 0) {
    unlink(path_.c_str());
    close(fd_);
  }
  if (!made_folder_.empty()) rmdir(made_folder_.c_str());
}

Result<InstanceLock> InstanceLock::take(const std::string& director, const std::string& folder) {
  auto made = make_folder(folder);
  if (!made) return tl::unexpected(made.error());
  InstanceLock lock(folder + "/" + director + "." + namespace_number() + ".lock", *made);
  // A killed daemon's leftovers are ours to clear away.
  const bool left_behind = access(lock.path_.c_str(), F_OK) == 0;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    const auto locked = lock.try_lock();
    if (!locked) return tl::unexpected(locked.error());
    if (!*locked) continue;
    if (left_behind) lock.made_folder_ = folder;
    return lock;
  }
  return base::fail("director " + director +
                    ": a guidewayd of this name is running already; stop it, or give this one "
                    "another director.name");
}

/// False: another has it, or removed the file between our open and our lock.
Result<bool> InstanceLock::try_lock() {
  const int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return base::fail_errno("lock " + path_ + ": cannot make it", errno);
  struct stat locked {};
  struct stat named {};
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &locked) != 0 ||
      lstat(path_.c_str(), &named) != 0 || locked.st_ino != named.st_ino) {
    close(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

}  // namespace guideway::app
