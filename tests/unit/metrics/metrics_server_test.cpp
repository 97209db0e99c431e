// SPDX-License-Identifier: Apache-2.0
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "guideway/metrics/metrics_server.h"

namespace guideway::metrics {
namespace {

using boost::asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A server on its own thread, as the daemon has it.
class MetricsServerTest : public testing::Test {
 protected:
  explicit MetricsServerTest(std::chrono::milliseconds patience = MetricsServer::kPatience) {
    const auto make = [this](MetricsServer::Done done) {
      made_++;
      boost::asio::post(loop_, [this, done] { done(text_); });
    };
    auto opened = MetricsServer::open(loop_, "127.0.0.1:0", make, patience);
    EXPECT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~MetricsServerTest() override {
    loop_.stop();
    thread_.join();
  }

  tcp::socket connect(boost::asio::io_context& loop) const {
    tcp::socket socket(loop);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }

  /// Sends bytes and returns all that comes back until the server closes.
  std::string talk(const std::string& bytes) const {
    boost::asio::io_context loop;
    tcp::socket socket = connect(loop);
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(bytes), error);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

  /// As many as there are places, which have sent so much.
  std::vector<tcp::socket> take_all_places(boost::asio::io_context& loop,
                                           const std::string& bytes) const {
    std::vector<tcp::socket> clients;
    while (clients.size() < 16) {
      clients.push_back(connect(loop));
      boost::asio::write(clients.back(), boost::asio::buffer(bytes));
    }
    return clients;
  }
  /// The answer once there is a place again.
  std::string talk_until_served() const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string answer;
    while (answer.empty() && std::chrono::steady_clock::now() < give_up) answer = talk(kGet);
    return answer;
  }

  Text text_ = std::make_shared<const std::string>("guideway_generation 1\n");
  std::atomic<int> made_ = 0;
  boost::asio::io_context loop_;
  std::unique_ptr<MetricsServer> server_;
  std::thread thread_;
};

TEST_F(MetricsServerTest, AnswersWithTheText) {
  const std::string answer = talk(kGet);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nguideway_generation 1\n"));
}

TEST_F(MetricsServerTest, ALargeTextArrivesWhole) {
  text_ = std::make_shared<const std::string>(std::string(10'000'000, 'x'));
  const std::string answer = talk(kGet);
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 10'000'000u);
}

TEST_F(MetricsServerTest, HeadHasNoBody) {
  const std::string answer = talk("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 22"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(MetricsServerTest, RequestsShareAFreshText) {
  const std::string again = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answer = talk(again + again + again + kGet);
  std::size_t count = 0;
  for (std::size_t at = answer.find("200 OK"); at != std::string::npos;
       at = answer.find("200 OK", at + 1))
    count++;
  EXPECT_EQ(count, 4u);
  EXPECT_LT(made_, 4);
}

TEST_F(MetricsServerTest, CannotBeWrittenToAndHasNothingElse) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"})
    EXPECT_THAT(talk(method + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(made_, 0);
}

TEST_F(MetricsServerTest, GarbageAndHugeHeadersAndBodiesGetA400) {
  EXPECT_THAT(talk("\x16\x03\x01 nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(talk("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(talk("GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(MetricsServerTest, ACrowdOfSilentClientsIsBounded) {
  boost::asio::io_context loop;
  auto silent = take_all_places(loop, "");
  // One more is closed without an answer; when one leaves there is room again.
  EXPECT_EQ(talk(kGet), "");
  silent.clear();
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

/// Time enough for all of a crowd to be there at once.
class MetricsCrowdTest : public MetricsServerTest {
 protected:
  MetricsCrowdTest() : MetricsServerTest(std::chrono::milliseconds(1000)) {}
};

TEST_F(MetricsCrowdTest, HalfARequestGivesItsPlaceBackAfterItsTime) {
  boost::asio::io_context loop;
  const auto slow = take_all_places(loop, "GET /metrics HTTP/1.1\r\nHost");
  EXPECT_EQ(talk(kGet), "");
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

TEST_F(MetricsCrowdTest, WhoNeverReadsHisAnswerGivesHisPlaceBackAfterItsTime) {
  text_ = std::make_shared<const std::string>(std::string(40'000'000, 'x'));
  boost::asio::io_context loop;
  const auto deaf = take_all_places(loop, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(talk(kGet), "");
  EXPECT_THAT(talk_until_served(), StartsWith("HTTP/1.1 200"));
}

TEST_F(MetricsServerTest, AnAddressInUseIsAnErrorThatNamesIt) {
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  boost::asio::io_context loop;
  const auto second = MetricsServer::open(loop, address, [](MetricsServer::Done) {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(address));
}

}  // namespace
}  // namespace guideway::metrics
