// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/admin/http_server.h"

#include <poll.h>
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
constexpr std::chrono::milliseconds kRetryTime{100};

/// What the server has in common for its connections.
struct Shared {
  Handler handler;
  HttpTimes times;
  std::size_t connections = 0;  // that may ask
  std::size_t refusals = 0;     // that are told that there is no room
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

/// A place among those, while this lives.
class Place {
 public:
  explicit Place(std::size_t& taken) : taken_(taken) { taken_++; }
  ~Place() { taken_--; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::size_t& taken_;
};

/// The other end is closed; one that has only ended its own words still listens.
bool has_left(int fd) {
  pollfd state{.fd = fd, .events = 0, .revents = 0};
  return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0;
}

/// One client. Lives as long as it has an operation or an answer under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Stream stream, std::shared_ptr<Shared> shared, std::size_t& taken)
      : stream_(std::move(stream)), shared_(std::move(shared)), place_(std::in_place, taken) {}
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(kMaxBody);
    stream_.expires_after(shared_->times.request);
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
      return write(to_message(error_response(413, "too_large", "a body has at most 1 MiB", "body"),
                              11, false));
    if (error)
      return write(
          to_message(error_response(400, "bad_request",
                                    "not a request that this server understands", "request"),
                     11, false));
    stream_.expires_never();  // the handler may take its time
    head_only_ = parser_->get().method() == http::verb::head;
    client_ = std::make_shared<Client>();
    shared_->handler(
        take_request(), [self = shared_from_this(), client = client_](const Response& response) {
          if (self->client_ != client) return;  // it is answered, or gone
          self->client_.reset();
          const auto& request = self->parser_->get();
          self->write(to_message(response, request.version(), self->parser_->keep_alive()));
        });
    if (client_ && client_->on_gone) watch();
  }

  /// Nobody reads while a handler works: has a client that leaves give its place to another.
  void watch() {
    stream_.socket().async_wait(
        Stream::socket_type::wait_read,
        [weak = weak_from_this(), client = client_](beast::error_code error) {
          const auto self = weak.lock();
          if (error || !self || self->client_ != client) return;
          if (has_left(self->stream_.socket().native_handle())) self->leave();
        });
  }

  void leave() {
    const auto client = std::exchange(client_, {});
    place_.reset();
    stream_.close();
    std::exchange(client->on_gone, {})();
  }

  Request take_request() {
    auto& request = parser_->get();
    const auto field = [&](beast::string_view name) { return std::string(request[name]); };
    return {std::string(request.method_string()),
            std::string(request.target()),
            field("Content-Type"),
            field("If-Match"),
            field("X-Request-Id"),
            std::move(request.body()),
            client_};
  }

  void write(Message message) {
    message_ = std::move(message);
    stream_.expires_after(shared_->times.write);
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
  std::optional<Place> place_;
  std::shared_ptr<Client> client_;  // while an answer is awaited
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
  BeastHttpServer(asio::io_context& loop, SocketFile file, Handler handler, HttpTimes times)
      : file_(std::move(file)),
        acceptor_(loop.get_executor()),
        retry_timer_(loop),
        shared_(std::make_shared<Shared>(Shared{std::move(handler), times})) {
    acceptor_.assign(Protocol(), file_.release_fd());
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
  /// too: beyond as many a client is closed without a word.
  void take(Socket socket) {
    const std::size_t open = shared_->connections;
    const bool room =
        open < kMaxConnections || (open == kMaxConnections && is_root(socket.native_handle()));
    const auto connect = [&](std::size_t& taken) {
      return std::make_shared<Connection>(Stream(std::move(socket)), shared_, taken);
    };
    if (room)
      connect(shared_->connections)->read();
    else if (shared_->refusals < kMaxConnections)
      connect(shared_->refusals)->refuse();
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
                                                     const std::string& group, Handler handler,
                                                     HttpTimes times) {
  auto file = SocketFile::listen(path, group);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<BeastHttpServer>(loop, std::move(*file), std::move(handler), times);
}

}  // namespace guideway::admin
