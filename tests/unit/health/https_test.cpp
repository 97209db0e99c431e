// SPDX-License-Identifier: Apache-2.0
// Probes of a TLS server on loopback, with a certificate that nobody has signed.
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>

#include "one_probe.h"
#include "test_server.h"
// After <utility>, which Asio of Boost 1.74 needs.
#include <boost/asio/ssl.hpp>

namespace guideway::health {
namespace {

namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using boost::system::error_code;
using model::CheckProtocol;

/// A key, and a certificate for it that it has signed itself.
void make_identity(ssl::context& context) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  ASSERT_TRUE(key && certificate);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  ASSERT_NE(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  ASSERT_EQ(SSL_CTX_use_certificate(context.native_handle(), certificate.get()), 1);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context.native_handle(), key.get()), 1);
}

/// Answers one request on each connection.
class TlsServer {
 public:
  explicit TlsServer(boost::asio::io_context& loop)
      : acceptor_(loop, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)) {
    make_identity(context_);
    SSL_CTX_set_tlsext_servername_callback(context_.native_handle(), &TlsServer::on_name);
    SSL_CTX_set_tlsext_servername_arg(context_.native_handle(), this);
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready";
  std::string name = "none";

 private:
  struct Client {
    explicit Client(tcp::socket socket, ssl::context& context)
        : stream(std::move(socket), context) {}
    ssl::stream<tcp::socket> stream;
    boost::asio::streambuf request;
  };

  static int on_name(SSL* connection, int*, void* self) {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) static_cast<TlsServer*>(self)->name = name;
    return SSL_TLSEXT_ERR_OK;
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      auto client = std::make_shared<Client>(std::move(socket), context_);
      clients_.push_back(client);
      client->stream.async_handshake(ssl::stream_base::server,
                                     [this, client](const error_code& failed) {
                                       if (!failed) serve(client);
                                     });
      accept();
    });
  }

  void serve(const std::shared_ptr<Client>& client) {
    boost::asio::async_read_until(client->stream, client->request, "\r\n\r\n",
                                  [this, client](const error_code& error, std::size_t) {
                                    if (error) return;
                                    boost::asio::async_write(
                                        client->stream, boost::asio::buffer(answer),
                                        [client](const error_code&, std::size_t) {});
                                  });
  }

  ssl::context context_{ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Client>> clients_;
};

class HttpsTest : public testing::Test {
 protected:
  ProbeRequest request() const { return local_request(CheckProtocol::kHttps, server_.port()); }
  boost::asio::io_context loop_;
  TlsServer server_{loop_};
};

TEST_F(HttpsTest, AnAnswerOverTlsCountsWhoeverSignedForIt) {
  const ProbeOutcome outcome = probe_once(loop_, request());
  EXPECT_TRUE(outcome.success()) << to_string(outcome.reason) << " " << outcome.detail;
  EXPECT_EQ(server_.name, "none") << "an address is no server name";
}

TEST_F(HttpsTest, TheHostIsAskedForInTlsToo) {
  ProbeRequest named = request();
  named.host = "web.example:8443";
  named.expected_text = "ready";
  EXPECT_TRUE(probe_once(loop_, named).success());
  EXPECT_EQ(server_.name, "web.example");
}

TEST_F(HttpsTest, StatusAndTextAreCheckedAsInHttp) {
  server_.answer = "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(probe_once(loop_, request()).reason, Reason::kStatusMismatch);
  server_.answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbroken";
  ProbeRequest text = request();
  text.expected_text = "ready";
  EXPECT_EQ(probe_once(loop_, text).reason, Reason::kBodyMismatch);
}

TEST_F(HttpsTest, AServerWithoutTlsIsATlsError) {
  // A server that talks first, in clear.
  tcp::acceptor plain(loop_, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  tcp::socket peer(loop_);
  const std::string greeting = "220 smtp.example ESMTP\r\n";
  plain.async_accept(peer, [&](const error_code& error) {
    ASSERT_FALSE(error);
    boost::asio::write(peer, boost::asio::buffer(greeting));
  });
  const ProbeOutcome outcome =
      probe_once(loop_, local_request(CheckProtocol::kHttps, plain.local_endpoint().port()));
  EXPECT_EQ(outcome.reason, Reason::kTlsError) << outcome.detail;
}

TEST_F(HttpsTest, AServerThatNeverShakesHandsTimesOut) {
  TestServer silent(loop_);
  silent.answer.clear();
  ProbeRequest request = local_request(CheckProtocol::kHttps, silent.port());
  request.timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(probe_once(loop_, request).reason, Reason::kTimeout);
}

}  // namespace
}  // namespace guideway::health
