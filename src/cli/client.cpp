// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "client.h"

namespace guideway::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::io_context::executor_type>;

constexpr std::uint64_t kMaxBody = 256ULL * 1024 * 1024;
/// sockaddr_un::sun_path, less the terminating zero: Asio throws for a longer one.
constexpr std::size_t kMaxPath = 107;

/// Runs what was started to its end.
void finish(asio::io_context& loop) {
  loop.restart();
  loop.run();
}

beast::error_code connect(asio::io_context& loop, Stream& stream, const std::string& path) {
  if (path.size() > kMaxPath) return asio::error::name_too_long;
  beast::error_code error;
  stream.async_connect(Protocol::endpoint(path), [&](beast::error_code result) { error = result; });
  finish(loop);
  return error;
}

tl::unexpected<Failure> nobody(const std::string& path, const beast::error_code& error) {
  if (error == beast::errc::permission_denied)
    return failed(kFault, "you may not use " + path +
                              " (permission denied): be root, or in the group that owns it");
  return failed(kNoDaemon, "no guidewayd answers at " + path + " (" + error.message() +
                               "); is it running, and is this its socket?");
}

http::request<http::string_body> message_of(const Request& request) {
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, "localhost");
  message.set(http::field::connection, "close");
  message.set(http::field::user_agent, "guideway");
  if (request.if_match)
    message.set(http::field::if_match, "\"" + std::to_string(*request.if_match) + "\"");
  if (!request.body.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

Outcome<Answer> talk(asio::io_context& loop, Stream& stream, const std::string& path,
                     const Request& request) {
  const auto message = message_of(request);
  beast::error_code error;
  const auto done = [&](beast::error_code result, std::size_t) { error = result; };
  http::async_write(stream, message, done);
  finish(loop);
  // A daemon that refuses a request before its end still says why: so read in any case.
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxBody);
  http::async_read(stream, buffer, parser, done);
  finish(loop);
  if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe)
    return failed(kNoDaemon, "guidewayd at " + path + " closed the connection without an answer");
  if (error == beast::error::timeout)
    return failed(kNoDaemon, "guidewayd at " + path + " does not answer: does it hang?");
  if (error) return failed(kFault, "no answer from " + path + ": " + error.message());
  return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace

Outcome<Answer> exchange(const std::vector<std::string>& sockets, const Request& request) {
  asio::io_context loop(1);
  beast::error_code first_error;
  for (const std::string& path : sockets) {
    Stream stream(loop.get_executor());
    stream.expires_after(request.time);
    const beast::error_code error = connect(loop, stream, path);
    if (!error) return talk(loop, stream, path, request);
    if (!first_error) first_error = error;
  }
  return nobody(sockets.front(), first_error);
}

}  // namespace guideway::cli
