// SPDX-License-Identifier: Apache-2.0
// Readiness: one descriptor that is readable when another one is, or when there is work left to do.
// Threading: one thread at a time.
// Source: epoll(7), eventfd(2).
#ifndef GUIDEWAY_NETLINK_READINESS_H_
#define GUIDEWAY_NETLINK_READINESS_H_

#include "guideway/base/result.h"

namespace guideway::netlink {

class Readiness {
 public:
  /// `watched_fd` must stay open as long as this lives.
  static Result<Readiness> open(int watched_fd);
  ~Readiness();
  Readiness(Readiness&& other) noexcept;
  Readiness& operator=(Readiness&&) = delete;

  int fd() const { return epoll_fd_; }
  /// Readable from now on, whatever the watched descriptor does, until set_work_left(false).
  void set_work_left(bool work_left);

 private:
  Readiness() = default;

  int epoll_fd_ = -1;
  int event_fd_ = -1;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_READINESS_H_
