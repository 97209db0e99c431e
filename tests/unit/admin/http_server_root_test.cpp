// SPDX-License-Identifier: Apache-2.0
// The place that a full server has for root: needs root, to be somebody else, too.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "../../support/temporary_dir.h"
#include "guideway/admin/http_server.h"

namespace guideway::admin {
namespace {

using boost::asio::local::stream_protocol;
using ::testing::StartsWith;

/// This thread is another user while this lives: the system call is a thread's, libc's function is
/// the process's. Its group may use the socket.
class AsSomebodyElse {
 public:
  AsSomebodyElse() { become(kNobody); }
  ~AsSomebodyElse() { become(0); }
  AsSomebodyElse(const AsSomebodyElse&) = delete;
  AsSomebodyElse& operator=(const AsSomebodyElse&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  static void become(uid_t user) { EXPECT_EQ(syscall(SYS_setresuid, -1, user, -1), 0); }
};

class FullServer : public testing::Test {
 protected:
  FullServer() {
    EXPECT_EQ(chmod(folder_.path(".").c_str(), 0755), 0);
    auto opened = HttpServer::open(loop_, path_, "nobody-at-all",
                                   [](const Request&, const Respond& respond) { respond({}); });
    EXPECT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~FullServer() override {
    loop_.stop();
    thread_.join();
  }

  stream_protocol::socket connect() {
    stream_protocol::socket socket(clients_);
    socket.connect(stream_protocol::endpoint(path_));
    return socket;
  }
  std::string ask() {
    stream_protocol::socket socket = connect();
    boost::system::error_code error;
    boost::asio::write(
        socket, boost::asio::buffer("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        error);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

  test::TemporaryDir folder_;
  std::string path_ = folder_.path("run/admin.sock");
  boost::asio::io_context clients_;
  boost::asio::io_context loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(FullServer, HasAPlaceForRootAndForNobodyElse) {
  std::list<stream_protocol::socket> held;
  {
    const AsSomebodyElse other;
    for (std::size_t i = 0; i < kMaxConnections; i++) held.push_back(connect());
    EXPECT_THAT(ask(), StartsWith("HTTP/1.1 503"));
  }
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200"));
  {
    const AsSomebodyElse other;
    EXPECT_THAT(ask(), StartsWith("HTTP/1.1 503")) << "it is root's when it is free, too";
  }
  held.push_back(connect());
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 503")) << "root has one";
}

}  // namespace
}  // namespace guideway::admin
