// SPDX-License-Identifier: Apache-2.0
// Socket: a routing netlink socket, for requests or for notifications.
// Threading: one thread at a time.
// Source: netlink(7); "Lost messages" there is ENOBUFS here.
#ifndef GUIDEWAY_NETLINK_SOCKET_H_
#define GUIDEWAY_NETLINK_SOCKET_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/netlink/requests.h"

struct nl_sock;

namespace guideway::netlink {

class Socket {
 public:
  using OnMessage = std::function<void(const nlmsghdr&)>;

  static Result<Socket> open_for_requests();
  /// Non-blocking, joined to `groups` (RTNLGRP_*), with a big receive buffer.
  static Result<Socket> open_for_notifications(const std::vector<int>& groups);

  int fd() const;

  /// Sends and calls `on_message` for each message of the answer (also of a dump). The kernel does
  /// the work inside the send, so this does not wait. Gives the errno that the kernel answered
  /// with, 0 for success; an Error means that the socket itself failed.
  Result<int> request(Message message, const OnMessage& on_message);
  /// For a request that is answered by nothing but success or an error.
  Result<int> request(Message message);

  enum class Received : std::uint8_t {
    kAll,   // nothing is left for now
    kSome,  // `limit` datagrams were read, there may be more
    kLost,  // the buffer overflowed: what was dropped must be read anew
  };
  /// Reads notifications.
  Result<Received> receive(std::size_t limit, const OnMessage& on_message);

  /// Throws away what has arrived so far.
  void discard();

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };

  static Result<Socket> open();
  /// Bytes of one datagram in buffer_; -errno on failure. Skips what another process sent.
  std::ptrdiff_t read_datagram(int flags);
  /// The answers to request number `sequence` in buffer_.
  struct Progress {
    bool done = false;
    int error = 0;
  };
  Progress read_answer(std::size_t size, std::uint32_t sequence, const OnMessage& on_message) const;

  std::unique_ptr<nl_sock, Close> socket_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
};

/// Asks for everything of the kind `type` (RTM_GETLINK, …). An answer that the kernel marks as
/// inconsistent, because the table changed meanwhile, is asked for again a few times; `on_message`
/// sees only one answer.
Result<void> dump(Socket& socket, int type, const Socket::OnMessage& on_message);

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_SOCKET_H_
