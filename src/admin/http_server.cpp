// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/admin/http_server.h"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "guideway/admin/socket_file.h"

namespace guideway::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::io_context::executor_type>;
using Message = http::response<http::string_body>;

constexpr std::uint32_t kMaxHeader = 8 * 1024;
constexpr std::chrono::seconds kRequestTime{10};
constexpr std::chrono::seconds kWriteTime{30};
constexpr std::chrono::milliseconds kRetryTime{100};

/// What the server has in common for its connections.
struct Shared {
  Handler handler;
  std::size_t connections = 0;
};

Message to_message(const Response& response, unsigned version, bool keep_alive) {
  Message message{static_cast<http::status>(response.status), version};
  message.set(http::field::content_type, response.content_type);
  if (response.revision)
    message.set(http::field::etag, "\"" + std::to_string(*response.revision) + "\"");
  if (!response.allow.empty()) message.set(http::field::allow, response.allow);
  message.body() = response.body;
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

/// One client. Lives as long as it has an operation or an answer under way.
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
    parser_->body_limit(kMaxBody);
    stream_.expires_after(kRequestTime);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       self->on_read(error);
                     });
  }

  /// Says that there is no room, and ends.
  void refuse() {
    write(to_message(error_response(503, "busy", "too many connections are open; try again"), 11,
                     false));
  }

 private:
  void on_read(beast::error_code error) {
    // Gone, or too slow: there is nobody to answer. What the client sent wrong is answered below.
    const bool wrong_request =
        error.category() == http::make_error_code(http::error::bad_method).category();
    if (error == http::error::end_of_stream || (error && !wrong_request)) return;
    if (error == http::error::body_limit)
      return write(
          to_message(error_response(413, "too_large", "a body has at most 1 MiB"), 11, false));
    if (error)
      return write(to_message(
          error_response(400, "bad_request", "not a request that this server understands"), 11,
          false));
    stream_.expires_never();  // the handler may take its time
    head_only_ = parser_->get().method() == http::verb::head;
    shared_->handler(take_request(), [self = shared_from_this(),
                                      answered = false](const Response& response) mutable {
      if (std::exchange(answered, true)) return;
      const auto& request = self->parser_->get();
      self->write(to_message(response, request.version(), self->parser_->keep_alive()));
    });
  }

  Request take_request() {
    auto& request = parser_->get();
    const auto field = [&](beast::string_view name) { return std::string(request[name]); };
    return {std::string(request.method_string()),
            std::string(request.target()),
            field("Content-Type"),
            field("If-Match"),
            field("X-Request-Id"),
            std::move(request.body())};
  }

  void write(Message message) {
    message_ = std::move(message);
    stream_.expires_after(kWriteTime);
    if (head_only_) message_.body().clear();
    serializer_.emplace(message_);
    serializer_->split(head_only_);
    auto done = [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->serializer_.reset();
      if (!error && self->message_.keep_alive()) self->read();
    };
    if (head_only_)
      http::async_write_header(stream_, *serializer_, std::move(done));
    else
      http::async_write(stream_, *serializer_, std::move(done));
  }

  Stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_{kMaxHeader + kMaxBody};
  std::optional<http::request_parser<http::string_body>> parser_;
  Message message_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool head_only_ = false;
};

bool is_root(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

class BeastHttpServer : public HttpServer {
 public:
  BeastHttpServer(asio::io_context& loop, SocketFile file, Handler handler)
      : file_(std::move(file)),
        acceptor_(loop.get_executor()),
        retry_timer_(loop),
        shared_(std::make_shared<Shared>()) {
    acceptor_.assign(Protocol(), file_.release_fd());
    shared_->handler = std::move(handler);
    accept();
  }

 private:
  using Socket = Stream::socket_type;

  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) take(std::move(socket));
      if (error)
        retry();
      else
        accept();
    });
  }

  /// One place more is root's, so that a full server can still be looked into. Refusals are bounded
  /// too: beyond twice the connections a client is closed without a word.
  void take(Socket socket) {
    const std::size_t open = shared_->connections;
    if (open >= 2 * kMaxConnections) return;
    const bool room =
        open < kMaxConnections || (open == kMaxConnections && is_root(socket.native_handle()));
    const auto connection = std::make_shared<Connection>(Stream(std::move(socket)), shared_);
    if (room)
      connection->read();
    else
      connection->refuse();
  }

  /// Out of descriptors, perhaps: not at once again.
  void retry() {
    retry_timer_.expires_after(kRetryTime);
    retry_timer_.async_wait([this](beast::error_code error) {
      if (!error) accept();
    });
  }

  SocketFile file_;
  asio::basic_socket_acceptor<Protocol, asio::io_context::executor_type> acceptor_;
  asio::steady_timer retry_timer_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace

Response error_response(unsigned status, const std::string& code, const std::string& message,
                        const std::string& field, const std::vector<std::string>& all) {
  nlohmann::ordered_json error = {{"code", code}};
  if (!field.empty()) error["field"] = field;
  error["message"] = message;
  for (const std::string& each : all) error["all"].push_back({{"field", ""}, {"message", each}});
  const nlohmann::ordered_json json = {{"api", 1}, {"error", std::move(error)}};
  Response response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(asio::io_context& loop,
                                                     const std::string& path,
                                                     const std::string& group, Handler handler) {
  auto file = SocketFile::listen(path, group);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<BeastHttpServer>(loop, std::move(*file), std::move(handler));
}

}  // namespace guideway::admin
