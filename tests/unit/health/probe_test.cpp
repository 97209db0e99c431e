// SPDX-License-Identifier: Apache-2.0
// Probes of a real server on loopback, which does what backends do at their worst.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/health/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "one_probe.h"
#include "test_server.h"

namespace guideway::health {
namespace {

using model::CheckProtocol;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

/// The states ("0A": listening, "06": TIME_WAIT) of the TCP sockets over IPv4 with this port at
/// either end.
std::vector<std::string> socket_states(std::uint16_t port) {
  const auto port_of = [](const std::string& end) {
    return std::stoul(end.substr(end.find(':') + 1), nullptr, 16);
  };
  std::vector<std::string> states;
  std::ifstream table("/proc/self/net/tcp");
  std::string line;
  std::getline(table, line);  // the columns' names
  std::string number, local, remote, state;
  while (table >> number >> local >> remote >> state && std::getline(table, line))
    if (port_of(local) == port || port_of(remote) == port) states.push_back(state);
  return states;
}

class ProbeTest : public testing::Test {
 protected:
  ProbeOutcome probe(CheckProtocol protocol, milliseconds timeout = milliseconds(10'000)) {
    return probe_port(server_.port(), protocol, timeout);
  }
  ProbeOutcome probe_port(std::uint16_t port, CheckProtocol protocol, milliseconds timeout) {
    ProbeRequest request = local_request(protocol, port);
    request.path = "/api/v1/health?deep=1";
    request.timeout = timeout;
    return probe_once(loop_, request);
  }

  boost::asio::io_context loop_;
  TestServer server_{loop_};
};

TEST_F(ProbeTest, TcpSucceedsOnceConnected) {
  const ProbeOutcome outcome = probe(CheckProtocol::kTcp);
  EXPECT_TRUE(outcome.success()) << outcome.detail;
  EXPECT_GT(outcome.latency.count(), 0);
}

TEST_F(ProbeTest, NobodyListens) {
  std::uint16_t free_port = 0;
  {
    TestServer gone(loop_);
    free_port = gone.port();
  }
  loop_.poll();
  for (const CheckProtocol protocol : {CheckProtocol::kTcp, CheckProtocol::kHttp})
    EXPECT_EQ(probe_port(free_port, protocol, milliseconds(5000)).reason, Reason::kConnectRefused);
}

TEST_F(ProbeTest, HttpAsksForThePathByTheAddress) {
  EXPECT_TRUE(probe(CheckProtocol::kHttp).success());
  ASSERT_EQ(server_.requests.size(), 1U);
  const std::string& request = server_.requests.front();
  EXPECT_THAT(request, StartsWith("GET /api/v1/health?deep=1 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Host: 127.0.0.1:" + std::to_string(server_.port()) + "\r\n"));
  EXPECT_THAT(request, HasSubstr("Connection: close\r\n"));
}

TEST_F(ProbeTest, StatusesFrom200To399AreGood) {
  for (const int status : {200, 204, 301, 399, 199, 400, 404, 500, 503}) {
    server_.answer = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\n\r\n";
    const ProbeOutcome outcome = probe(CheckProtocol::kHttp);
    const bool good = status >= 200 && status < 400;
    EXPECT_EQ(outcome.reason, good ? Reason::kNone : Reason::kStatusMismatch) << status;
    EXPECT_EQ(outcome.detail, "status " + std::to_string(status));
  }
}

TEST_F(ProbeTest, ARedirectIsNotFollowed) {
  server_.answer =
      "HTTP/1.1 301 x\r\nLocation: http://127.0.0.1:" + std::to_string(server_.port()) +
      "/\r\nContent-Length: 0\r\n\r\n";
  EXPECT_TRUE(probe(CheckProtocol::kHttp).success());
  loop_.poll();
  EXPECT_EQ(server_.connections, 1);
  EXPECT_EQ(server_.requests.size(), 1u);
}

TEST_F(ProbeTest, NoProbeLeavesASocketInTimeWaitNorOnTheWayThere) {
  for (int i = 0; i < 20; i++)
    for (const CheckProtocol protocol : {CheckProtocol::kTcp, CheckProtocol::kHttp})
      EXPECT_TRUE(probe(protocol).success());
  loop_.poll();
  // The listening one is all that is left at either end: each connection ended by a reset.
  EXPECT_THAT(socket_states(server_.port()), testing::ElementsAre("0A"));
}

TEST_F(ProbeTest, AnAnswerThatIsNotHttpIsNamed) {
  server_.answer = "220 smtp.example ESMTP\r\n\r\n";
  EXPECT_EQ(probe(CheckProtocol::kHttp).reason, Reason::kBadAnswer);
  server_.answer = "HTTP/1.1 200 OK\r\n\x01 : \r\n\r\n";
  EXPECT_EQ(probe(CheckProtocol::kHttp).reason, Reason::kBadAnswer);
}

TEST_F(ProbeTest, AServerThatNeverAnswersTimesOut) {
  server_.answer.clear();
  const ProbeOutcome outcome = probe(CheckProtocol::kHttp, milliseconds(50));
  EXPECT_EQ(outcome.reason, Reason::kTimeout);
  EXPECT_GE(outcome.latency, milliseconds(50));
}

TEST_F(ProbeTest, AHeaderWithoutAnEndIsBounded) {
  server_.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x');
  EXPECT_EQ(probe(CheckProtocol::kHttp).reason, Reason::kBadAnswer);
}

TEST_F(ProbeTest, ABodyOfAMegabyteIsNotRead) {
  server_.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + std::string(1 << 20, 'x');
  const ProbeOutcome outcome = probe(CheckProtocol::kHttp);
  EXPECT_TRUE(outcome.success()) << to_string(outcome.reason) << " " << outcome.detail;
}

TEST_F(ProbeTest, AConnectionThatIsClosedWithoutAnAnswerIsNamed) {
  server_.close_at_once = true;
  EXPECT_EQ(probe(CheckProtocol::kHttp).reason, Reason::kConnectionClosed);
}

TEST_F(ProbeTest, HostAndStatusesAreTheChecks) {
  ProbeRequest request = local_request(CheckProtocol::kHttp, server_.port());
  request.host = "web.example";
  request.expected_status = {{200, 200}, {401, 403}};
  EXPECT_TRUE(probe_once(loop_, request).success());
  EXPECT_THAT(server_.requests.front(), HasSubstr("Host: web.example\r\n"));
  for (const auto& [status, good] : {std::pair{402, true}, {204, false}, {404, false}}) {
    server_.answer = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(probe_once(loop_, request).success(), good) << status;
  }
}

/// Probes for "needle" in such a body.
class BodyTest : public ProbeTest {
 protected:
  ProbeOutcome search(const std::string& answer) {
    server_.answer = answer;
    ProbeRequest request = local_request(CheckProtocol::kHttp, server_.port());
    request.expected_text = "needle";
    return probe_once(loop_, request);
  }
  static std::string with_length(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

TEST_F(BodyTest, TheTextIsFoundWhereverItIsInTheFirst64KiB) {
  for (const std::size_t before : {0UL, 1UL, 8170UL, 8191UL, 40'000UL, kMostBodyBytes - 6})
    EXPECT_TRUE(search(with_length(std::string(before, 'x') + "needle" + "rest")).success())
        << before;
  const ProbeOutcome late = search(with_length(std::string(kMostBodyBytes - 5, 'x') + "needle"));
  EXPECT_EQ(late.reason, Reason::kBodyMismatch);
  EXPECT_THAT(late.detail, HasSubstr("65536 bytes"));
}

TEST_F(BodyTest, ChunksAreJoined) {
  EXPECT_TRUE(search("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nnee\r\n3\r\ndle\r\n0\r\n\r\n")
                  .success());
}

TEST_F(BodyTest, AShorterBodyIsAMismatch) {
  EXPECT_EQ(search(with_length("need")).reason, Reason::kBodyMismatch);
  EXPECT_EQ(search(with_length("")).reason, Reason::kBodyMismatch);
}

TEST_F(BodyTest, ABodyOfManyMegabytesCostsNoMoreThan64KiB) {
  EXPECT_EQ(search(with_length(std::string(10'000'000, 'x'))).reason, Reason::kBodyMismatch);
}

TEST_F(ProbeTest, ACancelledProbeSaysNothing) {
  server_.answer.clear();
  bool called = false;
  const ProbeRequest request{CheckProtocol::kHttp, IpAddress::parse("127.0.0.1").value(),
                             server_.port(), "/", milliseconds(30)};
  const auto held = Probe::start(loop_, request, [&](const ProbeOutcome&) { called = true; });
  while (server_.requests.empty()) loop_.run_one();
  held->cancel();
  loop_.run_for(milliseconds(60));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace guideway::health
