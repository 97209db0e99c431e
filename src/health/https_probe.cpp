// SPDX-License-Identifier: Apache-2.0
// The only file with OpenSSL in it. The backend's certificate is not verified: the question is
// whether the service answers, not who it is.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/ssl.hpp>

#include "attempt.h"
#include "http_exchange.h"

namespace guideway::health {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

/// Made once, then only read.
ssl::context& tls_context() {
  static ssl::context context = [] {
    ssl::context made(ssl::context::tls_client);
    made.set_verify_mode(ssl::verify_none);
    return made;
  }();
  return context;
}

/// The name to ask for (RFC 6066 §3): a host's, without port; an address is none.
std::string server_name(const ProbeRequest& request) {
  const std::string name = request.host.substr(0, request.host.rfind(':'));
  return IpAddress::parse(name) || name.starts_with('[') ? "" : name;
}

bool is_tls(const error_code& error) {
  return error.category() == boost::asio::error::get_ssl_category() ||
         error.category() == ssl::error::get_stream_category();
}

class HttpsAttempt final : public StreamAttempt {
 public:
  HttpsAttempt(boost::asio::io_context& loop, ProbeRequest probe, Done done)
      : StreamAttempt(loop, std::move(probe), std::move(done)) {}

  void exchange_failed(const error_code& error) { fail(error); }
  void exchange_ended(Reason reason, std::string detail) { finish(reason, std::move(detail)); }

 private:
  void connected() override {
    if (const std::string name = server_name(request()); !name.empty())
      SSL_set_tlsext_host_name(tls_.native_handle(), name.c_str());
    tls_.async_handshake(ssl::stream_base::client,
                         [self = self<HttpsAttempt>()](const error_code& error) {
                           if (self->is_over()) return;
                           if (error) return self->fail(error);
                           self->is_secure_ = true;
                           self->exchange_.begin(self);
                         });
  }

  Reason reason_of(const error_code& error) const override {
    if (const Reason reason = reason_of_http(error); reason != Reason::kNone) return reason;
    // Once there is a connection, one that ends without TLS's goodbye is just closed.
    if (is_secure_ && error == ssl::error::stream_truncated) return Reason::kConnectionClosed;
    return is_tls(error) ? Reason::kTlsError : StreamAttempt::reason_of(error);
  }

  ssl::stream<boost::asio::ip::tcp::socket&> tls_{socket(), tls_context()};
  bool is_secure_ = false;
  HttpExchange<HttpsAttempt, ssl::stream<boost::asio::ip::tcp::socket&>> exchange_{tls_, request()};
};

}  // namespace

std::shared_ptr<Attempt> make_https(boost::asio::io_context& loop, const ProbeRequest& request,
                                    Probe::Done done) {
  return std::make_shared<HttpsAttempt>(loop, request, std::move(done));
}

}  // namespace guideway::health
