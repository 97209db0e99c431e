// SPDX-License-Identifier: Apache-2.0
// TestServer: a TCP server on loopback, on a port of the kernel's choice, that does with each
// connection what the test says.
// Threading: the loop's.
#ifndef GUIDEWAY_TESTS_UNIT_HEALTH_TEST_SERVER_H_
#define GUIDEWAY_TESTS_UNIT_HEALTH_TEST_SERVER_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <istream>
#include <iterator>
#include <list>
#include <memory>
#include <string>

namespace guideway::health {

class TestServer {
 public:
  using Tcp = boost::asio::ip::tcp;

  explicit TestServer(boost::asio::io_context& loop)
      : acceptor_(loop, Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)) {
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// Bytes to answer a request with. Empty: nothing, ever.
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  /// Close each connection at once.
  bool close_at_once = false;
  /// What was asked for.
  std::list<std::string> requests;
  int connections = 0;

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Tcp::socket socket) {
      if (error) return;
      connections++;
      if (!close_at_once) serve(std::make_shared<Tcp::socket>(std::move(socket)));
      accept();
    });
  }

  void serve(const std::shared_ptr<Tcp::socket>& socket) {
    open_.push_back(socket);
    auto buffer = std::make_shared<boost::asio::streambuf>();
    boost::asio::async_read_until(
        *socket, *buffer, "\r\n\r\n",
        [this, socket, buffer](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          std::istream stream(buffer.get());
          requests.emplace_back(std::istreambuf_iterator<char>(stream),
                                std::istreambuf_iterator<char>());
          if (answer.empty()) return;
          auto bytes = std::make_shared<std::string>(answer);
          boost::asio::async_write(
              *socket, boost::asio::buffer(*bytes),
              [bytes, socket](const boost::system::error_code&, std::size_t) {});
        });
  }

  Tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Tcp::socket>> open_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_TESTS_UNIT_HEALTH_TEST_SERVER_H_
