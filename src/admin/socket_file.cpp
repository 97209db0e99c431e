// SPDX-License-Identifier: Apache-2.0
#include "guideway/admin/socket_file.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace guideway::admin {
namespace {

constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return base::fail("socket " + path + ": the path must have 1 to 107 characters");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// Removes a socket that nobody listens on. Anything else there is an error.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return base::fail("socket " + path + ": something that is no socket has this name; move it");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int connected = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  close(probe);
  if (connected == 0 || error == EAGAIN)
    return base::fail("socket " + path +
                      ": another daemon listens here; stop it, or name another path in [admin]");
  // Only this says that nobody listens; anything else says that we cannot know.
  if (error != ECONNREFUSED)
    return base::fail_errno("socket " + path + ": cannot tell whether a daemon listens here; " +
                                "remove it by hand if none does",
                            error);
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return base::fail_errno("socket " + path + ": cannot remove what a dead daemon left", errno);
  return {};
}

/// Makes the last folder of the path if it is missing; returns it then.
Result<std::string> make_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty() || mkdir(folder.c_str(), 0755) != 0) {
    if (folder.empty() || errno == EEXIST) return std::string();
    return base::fail_errno("folder " + folder + ": cannot create it (is guidewayd run as root?)",
                            errno);
  }
  if (chmod(folder.c_str(), 0755) != 0) {  // whatever the umask is
    const int error = errno;
    rmdir(folder.c_str());
    return base::fail_errno("folder " + folder + ": cannot set its mode", error);
  }
  return folder;
}

}  // namespace

SocketFile::SocketFile(std::string path, std::string made_folder)
    : path_(std::move(path)), made_folder_(std::move(made_folder)) {}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::exchange(other.path_, {})),
      made_folder_(std::exchange(other.made_folder_, {})) {}

SocketFile::~SocketFile() {
  if (fd_ >= 0) close(fd_);
  if (!path_.empty()) unlink(path_.c_str());
  if (!made_folder_.empty()) rmdir(made_folder_.c_str());
}

int SocketFile::release_fd() { return std::exchange(fd_, -1); }

Result<SocketFile> SocketFile::listen(const std::string& path, const std::string& group) {
  auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  auto folder = make_folder(path);
  if (!folder) return tl::unexpected(folder.error());
  if (auto removed = remove_stale(path, *address); !removed) return tl::unexpected(removed.error());

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // The mode is right from the first moment: nobody else can connect between bind and chmod.
  const mode_t old_mask = umask(0117);
  const int bound = bind(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  umask(old_mask);
  if (bound != 0) {
    close(fd);
    return base::fail_errno("socket " + path + ": cannot make it", error);
  }
  SocketFile file(path, *folder);
  file.fd_ = fd;
  if (const struct group* entry = getgrnam(group.c_str());
      entry != nullptr && lchown(path.c_str(), geteuid(), entry->gr_gid) != 0)
    return base::fail_errno("socket " + path + ": cannot give it to group " + group, errno);
  if (::listen(fd, kBacklog) != 0)
    return base::fail_errno("socket " + path + ": cannot listen", errno);
  return file;
}

}  // namespace guideway::admin
