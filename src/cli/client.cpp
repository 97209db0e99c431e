// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

#include "client.h"

namespace guideway::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::io_context::executor_type>;

constexpr std::chrono::seconds kTime{10};
constexpr std::uint64_t kMaxBody = 256ULL * 1024 * 1024;

/// Runs what was started on `stream` to its end.
void finish(asio::io_context& loop) {
  loop.restart();
  loop.run();
}

}  // namespace

Result<Answer> get(const std::string& path, const std::string& target) {
  asio::io_context loop(1);
  Stream stream(loop.get_executor());
  beast::error_code error;
  stream.expires_after(kTime);
  stream.async_connect(Protocol::endpoint(path), [&](beast::error_code result) { error = result; });
  finish(loop);
  if (error)
    return base::fail("no guidewayd answers at " + path + " (" + error.message() +
                      "); is it running, and may you use the socket (group guideway-read)?");

  http::request<http::empty_body> request{http::verb::get, target, 11};
  request.set(http::field::host, "localhost");
  request.set(http::field::connection, "close");
  http::async_write(stream, request,
                    [&](beast::error_code result, std::size_t) { error = result; });
  finish(loop);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxBody);
  if (!error) {
    http::async_read(stream, buffer, parser,
                     [&](beast::error_code result, std::size_t) { error = result; });
    finish(loop);
  }
  if (error) return base::fail("no answer from " + path + ": " + error.message());
  return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace guideway::cli
