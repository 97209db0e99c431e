// SPDX-License-Identifier: Apache-2.0
// HttpExchange: one request and what is needed of its answer, over any stream. Redirects are not
// followed. The body is read only if a text is to be found in it, and no further than that.
// Threading: the event loop's.
// Source: RFC 9110, RFC 9112.
#ifndef GUIDEWAY_HEALTH_HTTP_EXCHANGE_H_
#define GUIDEWAY_HEALTH_HTTP_EXCHANGE_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <algorithm>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/version.h"
#include "guideway/health/probe.h"

namespace guideway::health {

/// What the Host field says unless the check names one (RFC 9110 §7.2).
inline std::string host_of(const ProbeRequest& request) {
  if (!request.host.empty()) return request.host;
  const std::string address = request.address.to_string();
  return (request.address.is_v4() ? address : "[" + address + "]") + ":" +
         std::to_string(request.port);
}

/// Owner: has exchange_failed(error_code) and exchange_ended(Reason, detail), one of which is
/// called once. It owns the exchange, and is kept by it while an operation is under way.
template <typename Owner, typename Stream>
class HttpExchange {
 public:
  HttpExchange(Stream& stream, const ProbeRequest& request) : stream_(stream), request_(request) {}

  void begin(std::shared_ptr<Owner> owner) {
    namespace http = boost::beast::http;
    message_.version(11);
    message_.method(http::verb::get);
    message_.target(request_.path);
    message_.set(http::field::host, host_of(request_));
    message_.set(http::field::user_agent, std::string("guideway/") + base::kVersion);
    message_.set(http::field::accept, "*/*");
    message_.set(http::field::connection, "close");
    parser_.header_limit(kMostHeaderBytes);
    // Not boost::none: Boost 1.74 takes it for 0 when there is a Content-Length.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    http::async_write(stream_, message_, [this, owner](const Error& error, std::size_t) {
      if (error) return owner->exchange_failed(error);
      read_header(owner);
    });
  }

 private:
  using Error = boost::system::error_code;

  void read_header(std::shared_ptr<Owner> owner) {
    boost::beast::http::async_read_header(stream_, buffer_, parser_,
                                          [this, owner](const Error& error, std::size_t) {
                                            if (error) return owner->exchange_failed(error);
                                            take_header(owner);
                                          });
  }

  void take_header(const std::shared_ptr<Owner>& owner) {
    const unsigned status = parser_.get().result_int();
    const bool good = std::any_of(
        request_.expected_status.begin(), request_.expected_status.end(),
        [&](const auto& range) { return status >= range.first && status <= range.last; });
    detail_ = "status " + std::to_string(status);
    if (!good) return owner->exchange_ended(Reason::kStatusMismatch, detail_);
    if (request_.expected_text.empty()) return owner->exchange_ended(Reason::kNone, detail_);
    body_.resize(kMostBodyBytes);
    parser_.get().body().data = body_.data();
    parser_.get().body().size = body_.size();
    read_body(owner);
  }

  void read_body(const std::shared_ptr<Owner>& owner) {
    namespace http = boost::beast::http;
    const std::size_t had = body_.size() - parser_.get().body().size;
    if (parser_.is_done()) return take_body(owner, had, true);
    http::async_read_some(
        stream_, buffer_, parser_, [this, owner](const Error& error, std::size_t) {
          const std::size_t has = body_.size() - parser_.get().body().size;
          const bool full = error == http::error::need_buffer || has == body_.size();
          if (error && !full && !is_end(error)) return owner->exchange_failed(error);
          take_body(owner, has, full || error || parser_.is_done());
        });
  }

  /// A body that ends early has ended.
  static bool is_end(const Error& error) {
    namespace http = boost::beast::http;
    return error == http::error::end_of_stream || error == http::error::partial_message;
  }

  void take_body(const std::shared_ptr<Owner>& owner, std::size_t size, bool is_all) {
    const std::string& wanted = request_.expected_text;
    // What was searched before can only be the beginning of what is new.
    const std::size_t from = searched_ < wanted.size() ? 0 : searched_ - wanted.size();
    searched_ = size;
    const std::string_view body(body_.data(), size);
    if (body.find(wanted, from) != std::string_view::npos)
      return owner->exchange_ended(Reason::kNone, detail_);
    if (is_all)
      return owner->exchange_ended(
          Reason::kBodyMismatch,
          detail_ + ", the text is not in the first " + std::to_string(size) + " bytes");
    read_body(owner);
  }

  Stream& stream_;
  const ProbeRequest& request_;
  boost::beast::http::request<boost::beast::http::empty_body> message_;
  boost::beast::flat_static_buffer<kMostHeaderBytes> buffer_;
  boost::beast::http::response_parser<boost::beast::http::buffer_body> parser_;
  std::string detail_;
  std::vector<char> body_;
  std::size_t searched_ = 0;
};

/// What the HTTP library's errors mean; kNone if it is none of its.
inline Reason reason_of_http(const boost::system::error_code& error) {
  namespace http = boost::beast::http;
  if (error == http::error::end_of_stream || error == http::error::partial_message)
    return Reason::kConnectionClosed;
  if (error.category() == make_error_code(http::error::bad_method).category())
    return Reason::kBadAnswer;
  return Reason::kNone;
}

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_HTTP_EXCHANGE_H_
