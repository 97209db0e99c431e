// SPDX-License-Identifier: Apache-2.0
// Probes by ping: as root, for they need a raw socket.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "one_probe.h"

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
