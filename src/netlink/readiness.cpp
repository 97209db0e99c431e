// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/readiness.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace guideway::netlink {
namespace {

bool add(int epoll_fd, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<Readiness> Readiness::open(int watched_fd) {
  Readiness readiness;
  readiness.epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  readiness.event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (readiness.epoll_fd_ < 0 || readiness.event_fd_ < 0 || !add(readiness.epoll_fd_, watched_fd) ||
      !add(readiness.epoll_fd_, readiness.event_fd_)) {
    return base::fail_errno(
        "cannot make an epoll descriptor (raise the limit of open files, ulimit -n)", errno);
  }
  return readiness;
}

Readiness::~Readiness() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (event_fd_ >= 0) close(event_fd_);
}

Readiness::Readiness(Readiness&& other) noexcept
    : epoll_fd_(std::exchange(other.epoll_fd_, -1)),
      event_fd_(std::exchange(other.event_fd_, -1)) {}

void Readiness::set_work_left(bool work_left) {
  // Neither call can fail on an eventfd of ours but for EAGAIN: reading when nothing was set.
  if (work_left) {
    eventfd_write(event_fd_, 1);
  } else {
    eventfd_t ignored = 0;
    eventfd_read(event_fd_, &ignored);
  }
}

}  // namespace guideway::netlink
