// SPDX-License-Identifier: Apache-2.0
// Probes by UDP.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "one_probe.h"
// After <utility>, which Asio of Boost 1.74 needs.
#include <boost/asio/ip/udp.hpp>

namespace guideway::health {
namespace {

using boost::asio::ip::udp;
using model::CheckProtocol;
using std::chrono::milliseconds;

/// Answers each datagram in the way that the test says.
class UdpServer {
 public:
  explicit UdpServer(boost::asio::io_context& loop)
      : socket_(loop, udp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)) {
    receive();
  }
  std::uint16_t port() const { return socket_.local_endpoint().port(); }

  std::string answer = "pong 1";
  int copies = 1;
  std::string asked;
  std::uint16_t asked_from = 0;

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(buffer_), peer_,
                               [this](const boost::system::error_code& error, std::size_t size) {
                                 if (error) return;
                                 asked.assign(buffer_.data(), size);
                                 asked_from = peer_.port();
                                 boost::system::error_code ignored;
                                 for (int i = 0; i < copies; ++i)
                                   socket_.send_to(boost::asio::buffer(answer), peer_, 0, ignored);
                                 receive();
                               });
  }

  udp::socket socket_;
  udp::endpoint peer_;
  std::array<char, 2048> buffer_{};
};

class UdpProbeTest : public testing::Test {
 protected:
  ProbeOutcome probe(milliseconds timeout = milliseconds(10'000)) {
    ProbeRequest request = local_request(CheckProtocol::kUdp, server_.port());
    request.send = "ping 1\r\n";
    request.expect = expect_;
    request.timeout = timeout;
    return probe_once(loop_, request);
  }

  boost::asio::io_context loop_;
  UdpServer server_{loop_};
  std::string expect_ = "pong";
};

TEST_F(UdpProbeTest, AnAnswerThatBeginsAsExpectedIsASuccess) {
  EXPECT_TRUE(probe().success());
  EXPECT_EQ(server_.asked, "ping 1\r\n");
}

TEST_F(UdpProbeTest, AnotherAnswerIsAMismatch) {
  for (const char* answer : {"", "pon", "error", "xpong"}) {
    server_.answer = answer;
    EXPECT_EQ(probe().reason, Reason::kBodyMismatch) << answer;
  }
}

TEST_F(UdpProbeTest, AFloodOfLongAnswersIsCutShort) {
  server_.copies = 100;
  server_.answer = "pong" + std::string(60'000, 'x');
  EXPECT_TRUE(probe().success());
}

TEST_F(UdpProbeTest, SilenceIsATimeoutOnlyIfAnAnswerIsExpected) {
  server_.copies = 0;
  EXPECT_EQ(probe(milliseconds(50)).reason, Reason::kTimeout);
  expect_.clear();
  const ProbeOutcome silent = probe(milliseconds(50));
  EXPECT_TRUE(silent.success());
  EXPECT_GE(silent.latency, milliseconds(50));
  server_.copies = 1;
  EXPECT_LT(probe().latency, milliseconds(9000)) << "any answer ends the wait";
}

TEST_F(UdpProbeTest, APortThatNobodyHasIsRefused) {
  std::uint16_t free_port = 0;
  {
    UdpServer gone(loop_);
    free_port = gone.port();
  }
  loop_.poll();
  EXPECT_EQ(probe_once(loop_, local_request(CheckProtocol::kUdp, free_port)).reason,
            Reason::kConnectRefused);
}

TEST(ProbeSource, AnAddressThatIsNotOursIsALocalFault) {
  boost::asio::io_context loop;
  for (const CheckProtocol protocol : {CheckProtocol::kTcp, CheckProtocol::kUdp}) {
    ProbeRequest request = local_request(protocol, 9);
    request.source = IpAddress::v4({192, 0, 2, 1});
    EXPECT_EQ(probe_once(loop, request).reason, Reason::kLocalFault);
  }
}

}  // namespace
}  // namespace guideway::health
