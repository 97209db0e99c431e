// SPDX-License-Identifier: Apache-2.0
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <fstream>
#include <list>
#include <thread>

#include "../../support/temporary_dir.h"
#include "guideway/admin/http_server.h"

namespace guideway::admin {
namespace {

using boost::asio::local::stream_protocol;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What was asked for, and how.
void answer(const Request& request, const Respond& respond) {
  Response response;
  response.body = "{\"api\":1}\n";
  response.revision = 12;
  if (request.target == "/echo")
    response.body = request.method + " " + request.content_type + " " + request.if_match + " " +
                    request.request_id + " " + request.body;
  if (request.target == "/large") response.body = std::string(1 << 20, 'x');
  if (request.target == "/length") response.body = std::to_string(request.body.size());
  respond(response);
}

/// A server on its own thread, as the daemon has it.
class HttpServerTest : public testing::Test {
 protected:
  explicit HttpServerTest(HttpTimes times = {}) {
    const auto handle = [this](const Request& request, const Respond& respond) {
      handled_++;
      if (request.target != "/wait") return answer(request, respond);
      const auto held = held_.insert(held_.end(), respond);
      request.client->on_gone = [this, held] { held_.erase(held); };
    };
    auto opened = HttpServer::open(loop_, path_, "nobody-at-all", handle, times);
    EXPECT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~HttpServerTest() override {
    loop_.stop();
    thread_.join();
  }

  /// Sends bytes and returns all that comes back until the server closes.
  std::string talk(const std::string& bytes) {
    stream_protocol::socket socket = connect();
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(bytes), error);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

  stream_protocol::socket connect() {
    stream_protocol::socket socket(clients_);
    socket.connect(stream_protocol::endpoint(path_));
    return socket;
  }
  /// Clients that have taken every place, and sent so much.
  std::list<stream_protocol::socket> take_all_places(const std::string& bytes) {
    std::list<stream_protocol::socket> clients;
    while (clients.size() < kMaxConnections + (getuid() == 0 ? 1 : 0)) {
      clients.push_back(connect());
      boost::asio::write(clients.back(), boost::asio::buffer(bytes));
    }
    return clients;
  }
  /// What kRequest is answered with once there is a place again.
  std::string talk_until_served() {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string answer;
    while (!answer.starts_with("HTTP/1.1 200") && std::chrono::steady_clock::now() < give_up)
      answer = talk(kRequest);
    return answer;
  }

  static constexpr const char* kRequest =
      "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  static constexpr const char* kHalfAHeader = "PUT /echo HTTP/1.1\r\nHost";
  static constexpr const char* kHalfABody =
      "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello";

  test::TemporaryDir folder_;
  std::string path_ = folder_.path("run/status.sock");
  boost::asio::io_context clients_;
  boost::asio::io_context loop_;
  std::atomic<int> handled_ = 0;
  std::list<Respond> held_;  // what is never answered
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersStatus) {
  const std::string answer =
      talk("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n{\"api\":1}\n"));
}

TEST_F(HttpServerTest, AnswersSeveralRequestsOfOneConnection) {
  const std::string request = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string last = "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string answer = talk(request + request + last);
  std::size_t count = 0;
  for (std::size_t at = answer.find("200 OK"); at != std::string::npos;
       at = answer.find("200 OK", at + 1))
    count++;
  EXPECT_EQ(count, 3u);
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const std::string answer =
      talk("HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, TheHandlerSeesWhatTheApiNeeds) {
  const std::string answer = talk(
      "PUT /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/x\r\n"
      "If-Match: \"7\"\r\nX-Request-Id: me-1\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("ETag: \"12\"\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nPUT text/x \"7\" me-1 hello"));
}

TEST_F(HttpServerTest, ABodyHasAMebibyteAtMost) {
  const auto with_body = [&](std::size_t size) {
    return talk("PUT /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
  };
  EXPECT_THAT(with_body(kMaxBody), EndsWith("\r\n\r\n1048576"));
  EXPECT_THAT(with_body(kMaxBody + 1),
              AllOf(StartsWith("HTTP/1.1 413"), HasSubstr(R"("field":"body")")));
}

TEST_F(HttpServerTest, GarbageAndHugeHeadersGetA400) {
  EXPECT_THAT(talk("\x16\x03\x01 nonsense\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr(R"("field":"request")")));
  EXPECT_THAT(talk("GET /v1/status HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, ACrowdOfSilentClientsIsBounded) {
  std::list<stream_protocol::socket> silent;
  for (int i = 0; i < 64; i++) silent.push_back(connect());
  // One place more is root's; whoever comes then is told that there is no room, until one leaves.
  if (getuid() == 0) {
    EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 200"));
    silent.push_back(connect());
  }
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 503"));
  silent.clear();
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, WhoLeavesWhileHeWaitsGivesHisPlaceToAnother) {
  auto waiting = take_all_places("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 503"));
  waiting.front().shutdown(stream_protocol::socket::shutdown_send);  // it still listens
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 503"));
  waiting.pop_back();
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

/// Whether the server has closed, waiting so long for it.
bool has_ended(stream_protocol::socket& socket, int wait_ms) {
  pollfd state{.fd = socket.native_handle(), .events = POLLIN, .revents = 0};
  return poll(&state, 1, wait_ms) == 1;
}

class HttpImpatientTest : public HttpServerTest {
 protected:
  static constexpr std::chrono::milliseconds kTime{100};
  HttpImpatientTest() : HttpServerTest({kTime, kTime}) {}
};

TEST_F(HttpImpatientTest, HalfARequestIsLeftAfterItsTimeAndNotHandled) {
  for (const char* half : {kHalfAHeader, kHalfABody}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(talk(half), "");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, kTime);
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpImpatientTest, AByteNowAndThenGainsNoTime) {
  const auto begin = std::chrono::steady_clock::now();
  stream_protocol::socket socket = connect();
  boost::asio::write(socket, boost::asio::buffer(std::string("GET /echo HTTP/1.1\r\nX: ")));
  int sent = 0;
  while (!has_ended(socket, 20) && sent < 1000) {
    boost::system::error_code gone;  // in between: seen next
    sent += boost::asio::write(socket, boost::asio::buffer("x", 1), gone) == 1 ? 1 : 0;
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kTime);
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 1000) << "it went on for 20 s";
  EXPECT_EQ(handled_, 0);
}

/// Time enough for all of a crowd to be there at once, on a machine that gives us little of itself.
class HttpCrowdTest : public HttpServerTest {
 protected:
  static constexpr std::chrono::milliseconds kTime{5000};
  HttpCrowdTest() : HttpServerTest({kTime, kTime}) {}
};

TEST_F(HttpCrowdTest, HalfOpenOnesGiveTheirPlacesBackAfterTheirTime) {
  const auto clients = take_all_places(kHalfAHeader);
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpCrowdTest, WhoNeverReadsHisAnswerGivesHisPlaceBackAfterItsTime) {
  const auto clients = take_all_places("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpCrowdTest, OthersAreServedWhileSlowOnesAreWaitedFor) {
  std::list<stream_protocol::socket> slow;
  for (const char* half : {kHalfAHeader, kHalfABody, kHalfAHeader, kHalfABody}) {
    slow.push_back(connect());
    boost::asio::write(slow.back(), boost::asio::buffer(std::string(half)));
  }
  EXPECT_THAT(talk(kRequest), StartsWith("HTTP/1.1 200"));
  for (auto& socket : slow) EXPECT_FALSE(has_ended(socket, 0)) << "served only after them";
}

TEST_F(HttpServerTest, TheSocketIsForOwnerAndGroupAndOneServer) {
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
  const auto second = HttpServer::open(loop_, path_, "nobody-at-all", answer);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another daemon listens here"));
}

TEST(HttpSocket, TheModeOfItsFolderIsNotTheUmasks) {
  const test::TemporaryDir folder;
  boost::asio::io_context loop;
  const mode_t old = umask(0077);
  const auto server =
      HttpServer::open(loop, folder.path("run/status.sock"), "nobody-at-all", answer);
  umask(old);
  ASSERT_TRUE(server) << server.error().message;
  struct stat status {};
  ASSERT_EQ(stat(folder.path("run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755u);
}

TEST(HttpSocket, OneThatMayBeInUseIsNotRemoved) {
  const test::TemporaryDir folder;
  const std::string path = folder.path("datagram.sock");
  // Another kind of socket answers a stream's connect with another error than "refused".
  boost::asio::io_context loop;
  boost::asio::local::datagram_protocol::socket other(
      loop, boost::asio::local::datagram_protocol::endpoint(path));
  const auto server = HttpServer::open(loop, path, "nobody-at-all", answer);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("cannot tell"));
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

TEST(HttpSocket, IsRemovedWithItsFolderAndAStaleOneIsReplaced) {
  const test::TemporaryDir folder;
  const std::string path = folder.path("run/status.sock");
  boost::asio::io_context loop;
  {
    const auto server = HttpServer::open(loop, path, "nobody-at-all", answer);
    ASSERT_TRUE(server);
  }
  EXPECT_NE(access(folder.path("run").c_str(), F_OK), 0);

  ASSERT_EQ(mkdir(folder.path("run").c_str(), 0755), 0);
  {
    // Bound and closed, but not removed: what a killed daemon leaves.
    stream_protocol::acceptor dead(loop, stream_protocol::endpoint(path));
  }
  ASSERT_EQ(access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(HttpServer::open(loop, path, "nobody-at-all", answer));

  std::ofstream(folder.path("run/file")) << "not a socket";
  const auto refused = HttpServer::open(loop, folder.path("run/file"), "nobody-at-all", answer);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no socket"));
}

}  // namespace
}  // namespace guideway::admin
