// SPDX-License-Identifier: Apache-2.0
// Ping: one ICMP echo request, from a raw socket of its own (CAP_NET_RAW, which the control thread
// keeps) that is connected to the backend and lets echo replies through only.
#include <netinet/icmp6.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/icmp.hpp>

#include "attempt.h"
#include "guideway/health/echo.h"
// After <net/if.h>, which Asio includes and which it would contradict.
#include <linux/icmp.h>

namespace guideway::health {
namespace {

using boost::asio::ip::icmp;
using boost::system::error_code;

/// Echo replies that are not ours, before we give up: a backend that floods us costs no more.
constexpr int kMostOthers = 64;

void let_replies_only(int fd, Family family) {
  if (family == Family::kIpv4) {
    const icmp_filter filter{~(1U << ICMP_ECHOREPLY)};
    setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
    return;
  }
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
}

class PingAttempt final : public Attempt {
 public:
  PingAttempt(boost::asio::io_context& loop, ProbeRequest probe, Done done)
      : Attempt(loop, std::move(probe), std::move(done)), socket_(loop) {}

 private:
  error_code start() override {
    const Family family = request().address.family();
    const icmp::endpoint to(to_asio(request().address), 0);
    error_code error;
    socket_.open(to.protocol(), error);
    if (error) return error;
    let_replies_only(socket_.native_handle(), family);
    if (getrandom(token_.data(), token_.size(), 0) != static_cast<ssize_t>(token_.size()))
      return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    if (request().source) socket_.bind(icmp::endpoint(to_asio(*request().source), 0), error);
    if (!error) socket_.connect(to, error);
    if (!error) socket_.non_blocking(true, error);
    if (!error) socket_.send(boost::asio::buffer(echo_request(family, token_)), 0, error);
    if (!error) receive();
    return error;
  }

  void receive() {
    socket_.async_receive(boost::asio::buffer(answer_),
                          [self = self<PingAttempt>()](const error_code& error, std::size_t size) {
                            if (self->is_over()) return;
                            if (error) return self->fail(error);
                            self->take(size);
                          });
  }

  void take(std::size_t size) {
    if (is_echo_reply(request().address.family(), token_, answer_.data(), size)) return succeed();
    if (++others_ > kMostOthers) return finish(Reason::kBadAnswer, "a flood of other replies");
    receive();
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  icmp::socket socket_;
  EchoToken token_{};
  /// The longest IPv4 header, and more than the message, so that a longer one shows.
  std::array<std::uint8_t, 128> answer_{};
  int others_ = 0;
};

}  // namespace

std::shared_ptr<Attempt> make_ping(boost::asio::io_context& loop, const ProbeRequest& request,
                                   Probe::Done done) {
  return std::make_shared<PingAttempt>(loop, request, std::move(done));
}

}  // namespace guideway::health
