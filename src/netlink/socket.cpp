// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/socket.h"

#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace guideway::netlink {
namespace {

/// The kernel builds dumps in datagrams of at most 32 KiB.
constexpr std::size_t kDatagramBytes = 65'536;

/// Room for about 8,000 notifications: every backend's neighbour changing at once.
constexpr int kNotificationBufferBytes = 8 * 1024 * 1024;

/// The kernel answers inside the send; this only bounds the damage if it ever did not.
constexpr timeval kAnswerTimeout{.tv_sec = 2, .tv_usec = 0};

/// How often discard() reads before it gives up against a sender that is faster.
constexpr int kMostDiscarded = 100'000;

/// Forced beyond the administrator's limit where permitted, else as far as that limit goes.
void grow_receive_buffer(int fd) {
  const int bytes = kNotificationBufferBytes;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
}

/// Calls `f` for each message of a datagram, until it returns false.
template <typename F>
void for_each_message(const std::byte* data, std::size_t size, F f) {
  auto* message = reinterpret_cast<nlmsghdr*>(const_cast<std::byte*>(data));
  auto left = static_cast<int>(size);
  while (nlmsg_ok(message, left) != 0 && f(*message)) message = nlmsg_next(message, &left);
}

int error_of(const nlmsghdr& message) {
  nlmsgerr answer{};
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof answer.error)) return EPROTO;
  std::memcpy(&answer.error, nlmsg_data(&message), sizeof answer.error);
  return -answer.error;
}

}  // namespace

void Socket::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

int Socket::fd() const { return nl_socket_get_fd(socket_.get()); }

Result<Socket> Socket::open() {
  Socket opened;
  opened.socket_.reset(nl_socket_alloc());
  const int error = opened.socket_ ? nl_connect(opened.socket_.get(), NETLINK_ROUTE) : -NLE_NOMEM;
  if (error < 0) {
    return base::fail(std::string("cannot open a netlink socket (") + nl_geterror(error) +
                      "): allow AF_NETLINK to guidewayd");
  }
  opened.buffer_.resize(kDatagramBytes);
  return opened;
}

Result<Socket> Socket::open_for_requests() {
  auto opened = open();
  if (!opened) return opened;
  setsockopt(opened->fd(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout);
  return opened;
}

Result<Socket> Socket::open_for_notifications(const std::vector<int>& groups) {
  auto opened = open();
  if (!opened) return opened;
  grow_receive_buffer(opened->fd());
  nl_socket_set_nonblocking(opened->socket_.get());
  for (const int group : groups) {
    const int error = nl_socket_add_membership(opened->socket_.get(), group);
    if (error < 0) {
      return base::fail("cannot watch the kernel's tables (netlink group " + std::to_string(group) +
                        ": " + nl_geterror(error) + "): run a kernel with routing netlink");
    }
  }
  return opened;
}

std::ptrdiff_t Socket::read_datagram(int flags) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const auto size = recvfrom(fd(), buffer_.data(), buffer_.size(), flags,
                               reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return -errno;
    if (sender.nl_pid == 0) return size;  // port 0 is the kernel
  }
}

Socket::Progress Socket::read_answer(std::size_t size, std::uint32_t sequence,
                                     const OnMessage& on_message) const {
  Progress progress;
  for_each_message(buffer_.data(), size, [&](const nlmsghdr& message) {
    if (message.nlmsg_seq != sequence) return true;
    if (message.nlmsg_type == NLMSG_ERROR) {
      progress = {.done = true, .error = error_of(message)};
    } else if (message.nlmsg_type == NLMSG_DONE) {
      progress = {.done = true, .error = error_of(message)};
    } else {
      on_message(message);
      progress.done = (message.nlmsg_flags & NLM_F_MULTI) == 0;
    }
    return !progress.done;
  });
  return progress;
}

Result<int> Socket::request(Message message) {
  return request(std::move(message), [](const nlmsghdr&) {});
}

Result<int> Socket::request(Message message, const OnMessage& on_message) {
  const std::uint32_t sequence = ++sequence_;
  nlmsghdr* header = nlmsg_hdr(message.get());
  header->nlmsg_seq = sequence;
  header->nlmsg_pid = nl_socket_get_local_port(socket_.get());
  const sockaddr_nl kernel{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (sendto(fd(), header, header->nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
             sizeof kernel) < 0) {
    return base::fail_errno("cannot send a netlink request to the kernel", errno);
  }
  for (;;) {
    const std::ptrdiff_t size = read_datagram(0);
    if (size < 0) {
      return base::fail_errno("cannot read the kernel's netlink answer", static_cast<int>(-size));
    }
    const Progress progress = read_answer(static_cast<std::size_t>(size), sequence, on_message);
    if (progress.done) return progress.error;
  }
}

Result<Socket::Received> Socket::receive(std::size_t limit, const OnMessage& on_message) {
  for (std::size_t i = 0; i < limit; ++i) {
    const std::ptrdiff_t size = read_datagram(MSG_DONTWAIT);
    if (size == -EAGAIN) return Received::kAll;
    if (size == -ENOBUFS) return Received::kLost;
    if (size < 0) {
      return base::fail_errno("cannot read netlink notifications", static_cast<int>(-size));
    }
    for_each_message(buffer_.data(), static_cast<std::size_t>(size), [&](const nlmsghdr& message) {
      on_message(message);
      return true;
    });
  }
  return Received::kSome;
}

void Socket::discard() {
  for (int i = 0; i < kMostDiscarded; ++i) {
    if (read_datagram(MSG_DONTWAIT) == -EAGAIN) return;
  }
}

Result<void> dump(Socket& socket, int type, const Socket::OnMessage& on_message) {
  constexpr int kAttempts = 4;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    // Kept until it is known to be consistent.
    std::vector<std::vector<std::byte>> messages;
    bool interrupted = false;
    auto error = socket.request(dump_request(type), [&](const nlmsghdr& message) {
      const auto* bytes = reinterpret_cast<const std::byte*>(&message);
      messages.emplace_back(bytes, bytes + message.nlmsg_len);
      interrupted |= (message.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    });
    if (!error) return tl::unexpected(error.error());
    if (*error != 0) return base::fail_errno("the kernel refuses to list its tables", *error);
    if (interrupted && attempt < kAttempts) continue;
    for (const auto& message : messages) {
      on_message(*reinterpret_cast<const nlmsghdr*>(message.data()));
    }
    break;
  }
  return {};
}

}  // namespace guideway::netlink
