// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/health/probe.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "guideway/base/version.h"

namespace guideway::health {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::uint32_t kMostHeaderBytes = 8192;
constexpr unsigned kLeastGoodStatus = 200;
constexpr unsigned kMostGoodStatus = 399;

asio::ip::tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  return {asio::ip::make_address(address.to_string()), port};
}

/// What the Host field says (RFC 9110 §7.2).
std::string host_of(const ProbeRequest& request) {
  const std::string address = request.address.to_string();
  return (request.address.is_v4() ? address : "[" + address + "]") + ":" +
         std::to_string(request.port);
}

Reason reason_of(const error_code& error) {
  namespace errc = boost::system::errc;
  if (error == beast::error::timeout || error == errc::timed_out) return Reason::kTimeout;
  if (error == errc::connection_refused) return Reason::kConnectRefused;
  if (error == errc::host_unreachable || error == errc::network_unreachable)
    return Reason::kUnreachable;
  if (error == asio::error::eof || error == http::error::end_of_stream ||
      error == http::error::partial_message || error == errc::connection_reset ||
      error == errc::broken_pipe || error == errc::connection_aborted)
    return Reason::kConnectionClosed;
  if (error.category() == make_error_code(http::error::bad_method).category())
    return Reason::kBadAnswer;
  return Reason::kLocalFault;
}

class Attempt : public Probe, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& loop, ProbeRequest request, Done done)
      : stream_(loop), request_(std::move(request)), done_(std::move(done)) {}

  void begin() {
    started_ = steady_clock::now();
    stream_.expires_after(request_.timeout);
    stream_.async_connect(
        endpoint_of(request_.address, request_.port),
        [self = shared_from_this()](const error_code& error) { self->connected(error); });
  }

  void cancel() override {
    done_ = nullptr;
    error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  void connected(const error_code& error) {
    if (error) return finish(reason_of(error), error.message());
    // The connection ends by a reset, whoever ends it.
    error_code ignored;
    stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    if (request_.protocol != model::CheckProtocol::kHttp) return finish(Reason::kNone, "");
    message_.version(11);
    message_.method(http::verb::get);
    message_.target(request_.path);
    message_.set(http::field::host, host_of(request_));
    message_.set(http::field::user_agent, std::string("guideway/") + base::kVersion);
    message_.set(http::field::accept, "*/*");
    message_.set(http::field::connection, "close");
    http::async_write(stream_, message_,
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                        self->written(failed);
                      });
  }

  void written(const error_code& error) {
    if (error) return finish(reason_of(error), error.message());
    parser_.header_limit(kMostHeaderBytes);
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& failed, std::size_t) {
                              self->answered(failed);
                            });
  }

  void answered(const error_code& error) {
    if (error) return finish(reason_of(error), error.message());
    const unsigned status = parser_.get().result_int();
    const bool good = status >= kLeastGoodStatus && status <= kMostGoodStatus;
    finish(good ? Reason::kNone : Reason::kStatusMismatch, "status " + std::to_string(status));
  }

  void finish(Reason reason, std::string detail) {
    if (!done_) return;
    error_code ignored;
    stream_.socket().close(ignored);
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - started_);
    std::exchange(done_, nullptr)({reason, std::move(detail), latency});
  }

  beast::tcp_stream stream_;
  ProbeRequest request_;
  Done done_;
  steady_clock::time_point started_;
  http::request<http::empty_body> message_;
  beast::flat_static_buffer<kMostHeaderBytes> buffer_;
  http::response_parser<http::empty_body> parser_;
};

}  // namespace

std::shared_ptr<Probe> Probe::start(asio::io_context& loop, const ProbeRequest& request,
                                    Done done) {
  auto attempt = std::make_shared<Attempt>(loop, request, std::move(done));
  attempt->begin();
  return attempt;
}

}  // namespace guideway::health
