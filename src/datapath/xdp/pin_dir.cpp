// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/pin_dir.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>

namespace guideway::datapath::xdp {
namespace {

constexpr mode_t kOnlyOwner = 0700;
constexpr const char* kNew = "%new";
/// in_use() has the lock for microseconds: that must not look like another daemon.
constexpr int kLockTries = 5;
constexpr std::chrono::milliseconds kLockPause{10};

bool is_bpffs(const std::string& path) {
  struct statfs facts {};
  return statfs(path.c_str(), &facts) == 0 &&
         static_cast<unsigned long>(facts.f_type) == BPF_FS_MAGIC;
}

/// The kernel keeps names with a dot for itself.
std::string without_dots(const std::string& name) {
  std::string path;
  for (char c : name) path += c == '.' ? std::string("%2E") : std::string(1, c);
  return path;
}

Result<void> mount_bpffs(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return base::fail("cannot make director.pin_dir " + path + ": " + error.message());
  if (mount("bpffs", path.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
    return base::fail_errno("director.pin_dir " + path +
                                " is on no BPF file system and none can be mounted there; as root: "
                                "mount -t bpf -o mode=0700 bpffs " +
                                path,
                            errno);
  }
  spdlog::info("mounted a BPF file system at {}", path);
  return {};
}

Result<void> trust(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) return base::fail_errno("cannot look at " + path, errno);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
      (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::fail("the pins in " + path +
                      " are not trusted: it must be a directory that belongs to this user and that "
                      "nobody else may write; remove it, or correct its owner and mode");
  }
  return {};
}

base::FileDescriptor open_directory(const std::string& path) {
  return base::FileDescriptor(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool lock(int directory) {
  for (int i = 0; i < kLockTries; i++) {
    if (i != 0) std::this_thread::sleep_for(kLockPause);
    if (flock(directory, LOCK_EX | LOCK_NB) == 0) return true;
  }
  return false;
}

/// The kernel frees what a pin held some time after the unlink; a link's program would stay on its
/// device until then, and look like somebody else's. So a link lets go of its device first.
void remove_pin(const std::string& path) {
  const base::FileDescriptor pinned(bpf_obj_get(path.c_str()));
  if (pinned) bpf_link_detach(pinned.get());  // refused, and harmless, for all else
  unlink(path.c_str());
}

}  // namespace

Result<PinDir> PinDir::open(const std::string& pin_dir, const std::string& director) {
  if (!is_bpffs(pin_dir)) {
    if (auto mounted = mount_bpffs(pin_dir); !mounted) return tl::unexpected(mounted.error());
  }
  const std::string path = pin_dir + "/" + without_dots(director);
  if (mkdir(path.c_str(), kOnlyOwner) != 0 && errno != EEXIST)
    return base::fail_errno("cannot make the pin directory " + path, errno);
  auto found = find(pin_dir, director);
  if (!found) return found;
  found->lock_ = open_directory(path);
  if (!found->lock_) return base::fail_errno("cannot open the pin directory " + path, errno);
  if (!lock(found->lock_.get()))
    return base::fail("another guidewayd uses the pins in " + path +
                      ", perhaps in another network namespace: stop that one, or give this one its "
                      "own director.name or director.pin_dir");
  return found;
}

bool PinDir::exists(const std::string& pin_dir, const std::string& director) {
  struct stat facts {};
  const std::string path = pin_dir + "/" + without_dots(director);
  return lstat(path.c_str(), &facts) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

Result<PinDir> PinDir::find(const std::string& pin_dir, const std::string& director) {
  std::string path = pin_dir + "/" + without_dots(director);
  for (const std::string& each : {pin_dir, path})
    if (auto trusted = trust(each); !trusted) return tl::unexpected(trusted.error());
  if (!is_bpffs(path)) return base::fail(path + " is on no BPF file system");
  return PinDir(std::move(path));
}

bool PinDir::in_use() const {
  const base::FileDescriptor directory = open_directory(path_);
  return directory && flock(directory.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

bool PinDir::contains(const std::string& name) const {
  struct stat facts {};
  return lstat(path_of(name).c_str(), &facts) == 0 || errno != ENOENT;
}

Result<base::FileDescriptor> PinDir::get(const std::string& name) const {
  base::FileDescriptor fd(bpf_obj_get(path_of(name).c_str()));
  if (!fd && errno != ENOENT) return base::fail_errno("cannot open the pin " + name, errno);
  return fd;
}

Result<void> PinDir::put(int fd, const std::string& name) const {
  const std::string final_path = path_of(name);
  const std::string new_path = final_path + kNew;
  unlink(new_path.c_str());
  if (bpf_obj_pin(fd, new_path.c_str()) != 0)
    return base::fail_errno("cannot pin " + final_path, errno);
  if (std::rename(new_path.c_str(), final_path.c_str()) != 0) {
    const int error = errno;
    unlink(new_path.c_str());
    return base::fail_errno("cannot pin " + final_path, error);
  }
  return {};
}

void PinDir::remove(const std::string& name) const { remove_pin(path_of(name)); }

void PinDir::forget(const std::string& name) const { unlink(path_of(name).c_str()); }

std::string PinDir::with_dots(std::string name) {
  constexpr std::string_view kDot = "%2E";
  for (auto at = name.find(kDot); at != std::string::npos; at = name.find(kDot, at))
    name.replace(at, kDot.size(), ".");
  return name;
}

std::string PinDir::path_of(const std::string& name) const {
  return path_ + "/" + without_dots(name);
}

std::vector<std::string> PinDir::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path_, error), end; !error && at != end;
       at.increment(error))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void PinDir::remove_all() const {
  for (const std::string& name : names()) remove_pin(path_ + "/" + name);
  rmdir(path_.c_str());
}

}  // namespace guideway::datapath::xdp
