// SPDX-License-Identifier: Apache-2.0
// SmallRun: a generator and a sink that know each other, with made-up load balancers between them.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_UNIT_PKTGEN_SMALL_RUN_H_
#define GUIDEWAY_TESTS_UNIT_PKTGEN_SMALL_RUN_H_

#include <cstdint>
#include <string>

#include "packet.h"
#include "sink.h"
#include "tests/support/frame.h"

namespace guideway::pktgen::test {

using guideway::test::Bytes;

inline constexpr Mac kClientMac{{2, 0, 0, 0, 0, 1}};
inline constexpr Mac kGatewayMac{{2, 0, 0, 0, 0, 2}};

struct RunSpec {
  std::uint64_t seed = 7;
  std::uint32_t flows = 1000;
  /// The VIPs of PlainConfig.
  std::string vip = "203.0.113.10";
  Protocol protocol = Protocol::kTcp;
  Size size = Size::k64;
  bool stamped = false;
  Between between = Between::kRouter;
};

class SmallRun {
 public:
  explicit SmallRun(const RunSpec& spec = {});

  /// What the generator sends.
  Bytes sent(const Step& step, std::uint64_t now_ns = 0) const;
  /// The data packet `sequence` of a flow.
  Bytes sent(std::uint32_t flow, std::uint32_t sequence) const {
    return sent(Step{{flow, sequence}, kPushAck});
  }
  const SinkCounts& counts() const { return sink_.counts(); }
  Sink& sink() { return sink_; }
  const FlowSpace& flows() const { return flows_; }

 private:
  RunSpec spec_;
  FlowSpace flows_;
  PacketBuilder builder_;
  Sink sink_;
};

/// The frame as a direct-return load balancer sends it on to backend `number`: one TTL less, with a
/// checksum made anew.
Bytes forwarded(Bytes frame, std::uint8_t number = 1);

/// Makes the IPv4 header checksum at `ip` right.
void fix_ipv4_checksum(Bytes& frame, std::size_t ip = kEthernetLength);

}  // namespace guideway::pktgen::test

#endif  // GUIDEWAY_TESTS_UNIT_PKTGEN_SMALL_RUN_H_
