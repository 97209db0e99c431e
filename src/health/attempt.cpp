// SPDX-License-Identifier: Apache-2.0
#include "attempt.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace guideway::health {
namespace {

namespace asio = boost::asio;
namespace errc = boost::system::errc;
using boost::system::error_code;
using std::chrono::steady_clock;

/// What only we can be to blame for.
bool is_our_fault(const error_code& error) {
  for (const auto ours :
       {errc::too_many_files_open, errc::too_many_files_open_in_system, errc::no_buffer_space,
        errc::not_enough_memory, errc::address_not_available, errc::address_in_use,
        errc::network_down, errc::operation_not_permitted, errc::permission_denied,
        errc::resource_unavailable_try_again, errc::address_family_not_supported}) {
    if (error == ours) return true;
  }
  return false;
}

}  // namespace

asio::ip::address to_asio(const IpAddress& address) {
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes;
    std::copy_n(address.bytes().begin(), bytes.size(), bytes.begin());
    return asio::ip::address_v4(bytes);
  }
  asio::ip::address_v6::bytes_type bytes;
  std::copy_n(address.bytes().begin(), bytes.size(), bytes.begin());
  return asio::ip::address_v6(bytes);
}

Attempt::Attempt(asio::io_context& loop, ProbeRequest request, Done done)
    : request_(std::move(request)), done_(std::move(done)), deadline_(loop) {}

void Attempt::begin() {
  started_ = steady_clock::now();
  deadline_.expires_at(started_ + request_.timeout);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->is_over()) self->expired();
  });
  if (const error_code error = start())
    asio::post(deadline_.get_executor(), [self = shared_from_this(), error] { self->fail(error); });
}

void Attempt::cancel() {
  done_ = nullptr;
  deadline_.cancel();
  close();
}

void Attempt::finish(Reason reason, std::string detail) {
  if (is_over()) return;
  const auto done = std::exchange(done_, nullptr);
  deadline_.cancel();
  close();
  const auto latency =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - started_);
  done({reason, std::move(detail), latency});
}

Reason Attempt::reason_of(const error_code& error) const {
  if (is_our_fault(error)) return Reason::kLocalFault;
  if (error == errc::timed_out) return Reason::kTimeout;
  if (error == errc::connection_refused) return Reason::kConnectRefused;
  if (error == asio::error::eof || error == errc::connection_reset || error == errc::broken_pipe ||
      error == errc::connection_aborted)
    return Reason::kConnectionClosed;
  return Reason::kUnreachable;
}

error_code StreamAttempt::start() {
  using asio::ip::tcp;
  const tcp::endpoint to(to_asio(request().address), request().port);
  error_code error;
  socket_.open(to.protocol(), error);
  if (error) return error;
  if (request().source) {
    // The port is chosen when it connects: one port serves many destinations.
    const int on = 1;
    setsockopt(socket_.native_handle(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    socket_.bind(tcp::endpoint(to_asio(*request().source), 0), error);
    if (error) return error;
  }
  socket_.async_connect(to, [self = self<StreamAttempt>()](const error_code& failed) {
    if (self->is_over()) return;
    if (failed) return self->fail(failed);
    // The connection ends by a reset, whoever ends it.
    error_code ignored;
    self->socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    self->connected();
  });
  return {};
}

void StreamAttempt::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace guideway::health
