// SPDX-License-Identifier: Apache-2.0
// Probes by ping: as root, for they need a raw socket.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "one_probe.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/icmp.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../netlink/netns.h"

namespace guideway::health {
namespace {

using model::CheckProtocol;
using std::chrono::milliseconds;

class PingTest : public testing::Test {
 protected:
  ProbeOutcome ping(const std::string& address) {
    ProbeRequest request = local_request(CheckProtocol::kPing, 0);
    request.address = IpAddress::parse(address).value();
    request.timeout = milliseconds(500);
    return probe_once(loop_, request);
  }
  boost::asio::io_context loop_;
};

TEST_F(PingTest, TheKernelAnswers) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    const ProbeOutcome outcome = ping(address);
    EXPECT_TRUE(outcome.success()) << address << ": " << outcome.detail;
  }
}

using EchoBytes = std::array<std::uint8_t, 128>;

/// The kernel of a network namespace that leaves echo requests unanswered, and who answers instead.
class PingFloodTest : public testing::Test {
 protected:
  /// What a probe comes to that first gets so many replies to others' requests, then its own.
  static ProbeOutcome probe_in_flood(int others) {
    using boost::asio::ip::icmp;
    boost::asio::io_context loop;
    const icmp::endpoint host(boost::asio::ip::address_v4::loopback(), 0);
    icmp::socket server(loop, icmp::v4());
    server.connect(host);
    std::optional<ProbeOutcome> outcome;
    const auto held = Probe::start(loop, local_request(CheckProtocol::kPing, 0),
                                   [&](const ProbeOutcome& found) { outcome = found; });
    EchoBytes request{};
    const std::size_t size = server.receive(boost::asio::buffer(request));
    std::uint8_t* message = request.data() + kIpv4Header;
    message[0] = 0;    // a reply
    message[15] ^= 1;  // to another token
    for (int i = 0; i < others; i++) server.send(boost::asio::buffer(message, size - kIpv4Header));
    message[15] ^= 1;
    server.send(boost::asio::buffer(message, size - kIpv4Header));
    while (!outcome) loop.run_one();
    return *outcome;
  }

  static constexpr std::size_t kIpv4Header = 20;
  netlink::test::Netns netns_;
};

TEST_F(PingFloodTest, OthersRepliesAreSkippedAndAFloodOfThemIsAFailureAtOnce) {
  netns_.run([] {
    std::ofstream("/proc/sys/net/ipv4/icmp_echo_ignore_all") << "1";
    const ProbeOutcome few = probe_in_flood(60);
    EXPECT_TRUE(few.success()) << few.detail;
    const ProbeOutcome flood = probe_in_flood(100);
    EXPECT_EQ(flood.reason, Reason::kBadAnswer);
    EXPECT_EQ(flood.detail, "a flood of other replies");
    EXPECT_LT(flood.latency, milliseconds(5000)) << "it has not waited for its timeout of 10 s";
  });
}

TEST_F(PingTest, ManyAtATimeDoNotTakeEachOthersAnswers) {
  int good = 0;
  std::vector<std::shared_ptr<Probe>> probes;
  ProbeRequest request = local_request(CheckProtocol::kPing, 0);
  for (std::uint8_t i = 1; i <= 40; ++i) {
    request.address = IpAddress::v4({127, 0, 0, i});
    probes.push_back(Probe::start(loop_, request, [&](const ProbeOutcome& outcome) {
      EXPECT_TRUE(outcome.success()) << outcome.detail;
      ++good;
    }));
  }
  loop_.run_for(milliseconds(5000));
  EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace guideway::health
