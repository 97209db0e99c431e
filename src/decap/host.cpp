// SPDX-License-Identifier: Apache-2.0
#include "guideway/decap/host.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/magic.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/text.h"

namespace guideway::decap {
namespace {

namespace fs = std::filesystem;

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return *IpAddress::from_bytes(&v4->sin_addr, 4);
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    return *IpAddress::from_bytes(&v6->sin6_addr, 16);
  }
  return std::nullopt;
}

void sort_unique(std::vector<IpAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

bool is_bpf_file_system(const fs::path& path) {
  struct statfs facts {};
  return statfs(path.c_str(), &facts) == 0 &&
         static_cast<unsigned long>(facts.f_type) == BPF_FS_MAGIC;
}

/// Without a slash at its end, so that its parent is the folder that it is in.
fs::path whole_path(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

/// The folder itself or the nearest one above it that exists.
fs::path nearest_existing(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

Result<Device> find_device(const std::string& name) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name)
    return base::fail(base::quoted(name) + " is not the name of a network device");
  Device device{name, if_nametoindex(name.c_str()), 0};
  if (device.index == 0)
    return base::fail("there is no network device " + base::quoted(name) +
                      " in this network namespace: `ip link` lists those that exist");
  const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
  if (!socket || ioctl(socket.get(), SIOCGIFMTU, &request) != 0)
    return base::fail_errno("cannot read the MTU of " + name, errno);
  device.mtu = static_cast<unsigned>(request.ifr_mtu);
  return device;
}

Result<HostAddresses> read_addresses(const Device& device) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return base::fail_errno("cannot read this host's addresses", errno);
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  HostAddresses found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const auto address = address_of(entry->ifa_addr);
    if (!address) continue;
    found.all.push_back(*address);
    // Also addresses with a label of their own, such as eth0:1.
    const std::string_view name(entry->ifa_name);
    if (name.substr(0, name.find(':')) == device.name) found.device.push_back(*address);
    if ((entry->ifa_flags & IFF_BROADCAST) == 0) continue;
    if (const auto broadcast = address_of(entry->ifa_broadaddr))
      if (!broadcast->is_unspecified()) found.all.push_back(*broadcast);
  }
  sort_unique(found.device);
  sort_unique(found.all);
  return found;
}

Result<void> make_pin_folder(const std::string& folder) {
  const fs::path path = whole_path(folder);
  if (!is_bpf_file_system(nearest_existing(path))) {
    const std::string mount_point = path.parent_path().string();
    return base::fail(
        folder + " is not in a BPF file system, which keeps the program attached: run `mkdir -p " +
        mount_point + " && mount -t bpf -o mode=0700 bpf " + mount_point +
        "`, or name a folder in one by --pin-dir");
  }
  std::error_code error;
  const mode_t mask = umask(077);
  fs::create_directories(path, error);
  umask(mask);
  if (error) return base::fail("cannot make " + folder + " (" + error.message() + "): run as root");
  return trust_pin_folder(folder);
}

Result<void> trust_pin_folder(const std::string& folder) {
  const fs::path path = whole_path(folder);
  for (const fs::path& each : {path.parent_path(), path}) {
    struct stat facts {};
    if (lstat(each.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
      return base::fail(each.string() + " is not a folder: name another one by --pin-dir");
    const bool is_ours = facts.st_uid == geteuid() || facts.st_uid == 0;
    if (!is_ours || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      return base::fail(each.string() +
                        " can be changed by others: make it root's, with mode 0700");
  }
  return {};
}

base::FileDescriptor lock_pin_folder(const std::string& folder) {
  while (true) {
    base::FileDescriptor opened(
        open(whole_path(folder).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened) return opened;
    while (flock(opened.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    // detach() may have removed the one that was waited for.
    struct stat locked {};
    struct stat present {};
    if (fstat(opened.get(), &locked) != 0 || lstat(whole_path(folder).c_str(), &present) != 0)
      return {};
    if (locked.st_ino == present.st_ino && locked.st_dev == present.st_dev) return opened;
  }
}

}  // namespace guideway::decap
