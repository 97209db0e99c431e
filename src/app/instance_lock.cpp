// SPDX-License-Identifier: Apache-2.0
#include "instance_lock.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace guideway::app {

Result<InstanceLock> InstanceLock::take(const std::string& director) {
  const std::string name = "guideway/director/" + director;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // a leading zero: abstract
  InstanceLock lock(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (lock.fd_ < 0 || bind(lock.fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    if (errno == EADDRINUSE)
      return base::fail("director " + director +
                        ": a guidewayd of this name is running already; stop it, or give this "
                        "one another director.name");
    return base::fail_errno("director " + director + ": cannot lock its name", errno);
  }
  return lock;
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

InstanceLock::~InstanceLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace guideway::app
