// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace guideway::control {
namespace {

constexpr const char* kSeedFile = "hash_seed";

Result<void> check_owner_and_mode(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return base::fail_errno(path, errno);
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
    return base::fail(path +
                      ": belongs to somebody else or is writable by others; make it the daemon's "
                      "own with mode 0700");
  return {};
}

}  // namespace

StateDir::StateDir(base::FileDescriptor fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

Result<StateDir> StateDir::open(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return base::fail_errno("state_dir " + path + ": cannot create it (is guidewayd run as root?)",
                            errno);
  StateDir dir(
      base::FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
      path);
  if (!dir.fd_) return base::fail_errno("state_dir " + path + ": cannot open it", errno);
  if (auto checked = check_owner_and_mode(dir.fd_.get(), "state_dir " + path); !checked)
    return tl::unexpected(checked.error());
  if (flock(dir.fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return base::fail("state_dir " + path +
                      ": another guidewayd uses it; stop that one, or give this one its own "
                      "director.name and director.state_dir");
  return dir;
}

Result<model::HashSeed> StateDir::hash_seed() const {
  const std::string name = path_ + "/" + kSeedFile;
  model::HashSeed seed{};
  const base::FileDescriptor existing(
      openat(fd_.get(), kSeedFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (existing) {
    if (auto checked = check_owner_and_mode(existing.get(), name); !checked)
      return tl::unexpected(checked.error());
    char extra = 0;
    if (read(existing.get(), seed.data(), seed.size()) != static_cast<ssize_t>(seed.size()) ||
        read(existing.get(), &extra, 1) != 0)
      return base::fail(name +
                        ": is not a seed of 16 bytes; restore it, or remove it to have a new one "
                        "made (flows may then change their backend)");
    return seed;
  }
  if (errno != ENOENT) return base::fail_errno(name + ": cannot read it", errno);

  if (getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size()))
    return base::fail_errno("getrandom", errno);
  const std::string temporary = std::string(kSeedFile) + ".new";
  const base::FileDescriptor made(openat(
      fd_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made) return base::fail_errno(name + ": cannot write it", errno);
  if (write(made.get(), seed.data(), seed.size()) != static_cast<ssize_t>(seed.size()) ||
      fsync(made.get()) != 0 || renameat(fd_.get(), temporary.c_str(), fd_.get(), kSeedFile) != 0 ||
      fsync(fd_.get()) != 0)
    return base::fail_errno(name + ": cannot write it", errno);
  return seed;
}

}  // namespace guideway::control
