// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/shared_answer.h"
#include "guideway/metrics/metrics_server.h"

namespace guideway::metrics {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Stream = beast::basic_stream<tcp, asio::io_context::executor_type>;
/// Of the text that all connections share: nothing is copied.
using Body = http::span_body<const char>;

constexpr std::size_t kMaxConnections = 16;
constexpr std::uint32_t kMaxHeader = 8 * 1024;
constexpr std::chrono::milliseconds kRetryTime{100};
constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

using Texts = base::SharedAnswer<std::string>;

/// What the server has in common for its connections.
struct Shared {
  Shared(MetricsServer::Make make, std::chrono::milliseconds time)
      : texts(std::make_shared<Texts>(std::move(make), MetricsServer::kFresh)), patience(time) {}
  std::shared_ptr<Texts> texts;
  std::chrono::milliseconds patience;
  std::size_t connections = 0;
};

/// One client. Lives as long as it has an operation under way, or waits for the text.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Stream stream, std::shared_ptr<Shared> shared)
      : stream_(std::move(stream)), shared_(std::move(shared)) {
    shared_->connections++;
  }
  ~Connection() { shared_->connections--; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(0);
    stream_.expires_after(shared_->patience);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       self->on_read(error);
                     });
  }

 private:
  void on_read(beast::error_code error) {
    // Gone, or too slow: there is nobody to answer. What the client sent wrong is answered below.
    const bool wrong_request =
        error.category() == http::make_error_code(http::error::bad_method).category();
    if (error == http::error::end_of_stream || (error && !wrong_request)) return;
    if (error) return refuse(http::status::bad_request, "not a request that this server takes\n");
    const auto& request = parser_->get();
    head_only_ = request.method() == http::verb::head;
    if (request.target() != "/metrics")
      return refuse(http::status::not_found, "the only resource is /metrics\n");
    if (request.method() != http::verb::get && !head_only_)
      return refuse(http::status::method_not_allowed, "this can only be read\n");
    shared_->texts->get([self = shared_from_this()](const Text& text) {
      if (!text)
        return self->refuse(http::status::internal_server_error, "see the log of guidewayd\n");
      self->answer(http::status::ok, text, self->parser_->keep_alive());
    });
  }

  void refuse(http::status status, const char* why) {
    answer(status, std::make_shared<const std::string>(why), false);
  }

  void answer(http::status status, Text text, bool keep_alive) {
    text_ = std::move(text);
    response_ = {status, 11};
    response_.set(http::field::content_type, kTextFormat);
    if (status == http::status::method_not_allowed) response_.set(http::field::allow, "GET, HEAD");
    response_.body() = {text_->data(), text_->size()};
    response_.keep_alive(keep_alive);
    response_.prepare_payload();
    if (head_only_) response_.body() = {};
    write();
  }

  void write() {
    serializer_.emplace(response_);
    serializer_->split(head_only_);
    stream_.expires_after(shared_->patience);
    auto done = [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->serializer_.reset();
      self->text_.reset();
      if (!error && self->response_.keep_alive()) self->read();
    };
    if (head_only_)
      http::async_write_header(stream_, *serializer_, std::move(done));
    else
      http::async_write(stream_, *serializer_, std::move(done));
  }

  Stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_{kMaxHeader};
  std::optional<http::request_parser<http::empty_body>> parser_;
  Text text_;
  http::response<Body> response_;
  std::optional<http::response_serializer<Body>> serializer_;
  bool head_only_ = false;
};

class BeastMetricsServer : public MetricsServer {
 public:
  BeastMetricsServer(asio::io_context& loop, Make make, std::chrono::milliseconds patience)
      : acceptor_(loop.get_executor()),
        retry_timer_(loop),
        shared_(std::make_shared<Shared>(std::move(make), patience)) {}

  Result<void> listen(const Endpoint& endpoint) {
    beast::error_code error;
    const tcp::endpoint at(asio::ip::make_address(endpoint.address.to_string()), endpoint.port);
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return base::fail("admin.metrics: cannot listen on " + endpoint.to_string() + " (" +
                        error.message() + "); name another address and port, or \"\" for off");
    accept();
    return {};
  }

  std::uint16_t port() const override { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Stream::socket_type socket) {
      if (error == asio::error::operation_aborted) return;
      // One too many is closed at once: its client sees an empty answer, the others see nothing.
      if (!error && shared_->connections < kMaxConnections)
        std::make_shared<Connection>(Stream(std::move(socket)), shared_)->read();
      if (error)
        retry();
      else
        accept();
    });
  }

  /// Out of descriptors, perhaps: not at once again.
  void retry() {
    retry_timer_.expires_after(kRetryTime);
    retry_timer_.async_wait([this](beast::error_code error) {
      if (!error) accept();
    });
  }

  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  asio::steady_timer retry_timer_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(asio::io_context& loop,
                                                           const std::string& address, Make make,
                                                           std::chrono::milliseconds patience) {
  const auto endpoint = Endpoint::parse(address);
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto server = std::make_unique<BeastMetricsServer>(loop, std::move(make), patience);
  if (auto listening = server->listen(*endpoint); !listening)
    return tl::unexpected(listening.error());
  return server;
}

}  // namespace guideway::metrics
