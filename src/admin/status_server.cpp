// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "guideway/admin/socket_file.h"
#include "guideway/admin/status_server.h"

namespace guideway::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::io_context::executor_type>;

constexpr std::size_t kMaxConnections = 64;
constexpr std::uint32_t kMaxHeader = 8 * 1024;
constexpr std::chrono::seconds kRequestTime{10};
constexpr std::chrono::milliseconds kRetryTime{100};
constexpr const char* kReaders = "guideway-read";

using Response = http::response<http::string_body>;

Response error_response(http::status status, const char* code, const std::string& message,
                        unsigned version) {
  Response response{status, version};
  response.body() =
      std::string(R"({"api":1,"error":{"code":")") + code + R"(","message":")" + message + "\"}}\n";
  return response;
}

/// What the server has in common for its connections.
struct Shared {
  std::function<std::string()> status;
  std::size_t connections = 0;
};

Response answer(const Shared& shared, const http::request<http::empty_body>& request) {
  if (request.target() != "/v1/status")
    return error_response(http::status::not_found, "not_found", "the only resource is /v1/status",
                          request.version());
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Response response = error_response(http::status::method_not_allowed, "method_not_allowed",
                                       "this socket can only be read from", request.version());
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  Response response{http::status::ok, request.version()};
  response.body() = shared.status();
  return response;
}

/// One client. Lives as long as it has an operation under way.
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
    stream_.expires_after(kRequestTime);
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
    if (error) {
      response_ = error_response(http::status::bad_request, "bad_request",
                                 "not a request that this server understands", 11);
      response_.keep_alive(false);
    } else {
      response_ = answer(*shared_, parser_->get());
      response_.keep_alive(parser_->keep_alive());
      head_only_ = parser_->get().method() == http::verb::head;
    }
    response_.set(http::field::content_type, "application/json");
    response_.prepare_payload();
    if (head_only_) response_.body().clear();
    write();
  }

  void write() {
    serializer_.emplace(response_);
    serializer_->split(head_only_);
    auto done = [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->serializer_.reset();
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
  Response response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool head_only_ = false;
};

class BeastStatusServer : public StatusServer {
 public:
  BeastStatusServer(asio::io_context& loop, SocketFile file, std::function<std::string()> status)
      : file_(std::move(file)),
        acceptor_(loop.get_executor()),
        retry_timer_(loop),
        shared_(std::make_shared<Shared>()) {
    acceptor_.assign(Protocol(), file_.release_fd());
    shared_->status = std::move(status);
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Socket socket) {
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

  using Socket = Stream::socket_type;
  SocketFile file_;
  asio::basic_socket_acceptor<Protocol, asio::io_context::executor_type> acceptor_;
  asio::steady_timer retry_timer_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<StatusServer>> StatusServer::open(asio::io_context& loop,
                                                         const std::string& path,
                                                         std::function<std::string()> status) {
  auto file = SocketFile::listen(path, kReaders);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<BeastStatusServer>(loop, std::move(*file), std::move(status));
}

}  // namespace guideway::admin
