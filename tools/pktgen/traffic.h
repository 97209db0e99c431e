// SPDX-License-Identifier: Apache-2.0
// TrafficPattern: which packet of which flow is the n-th to be sent. A function of n, so the
// generator keeps no state of any flow.
//
//   syn-flood    SYNs only, each of the next flow; after the last flow again from the first
//   ack-flood    likewise, of ACKs without data: of connections that nobody has opened
//   new          short connections of three packets (SYN, data, FIN), some of them side by side;
//                after the last flow the first connects again
//   connections  the same, of whole connections as a client's side sends them: SYN, ACK, data, FIN,
//                ACK
//   established  every flow sends a SYN, then data, in turn
//   mixed        of 16 packets 12 established, 3 new, 1 syn-flood, each kind with flows of its own:
//                6/8, 1/8 and 1/8 of them
//
// With UDP a packet is a datagram, whatever its step.
// Threading: immutable.
#ifndef GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_H_
#define GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_H_

#include <cstdint>

#include "mark.h"

namespace guideway::pktgen {

enum class Traffic : std::uint8_t {
  kSynFlood,
  kAckFlood,
  kNew,
  kConnections,
  kEstablished,
  kMixed
};

enum TcpFlags : std::uint8_t {
  kSyn = 0x02,
  kAck = 0x10,
  kPushAck = 0x18,
  kFinAck = 0x11,
};

struct Step {
  Mark mark;
  TcpFlags flags = kSyn;
};

/// Of packets without data, which belong to no connection: TCP alone has them.
constexpr bool is_flood(Traffic traffic) {
  return traffic == Traffic::kSynFlood || traffic == Traffic::kAckFlood;
}

/// Whether a TCP packet with these flags carries data.
constexpr bool carries_data(TcpFlags flags) { return flags != kSyn && flags != kAck; }

struct TrafficSpec {
  Traffic traffic = Traffic::kEstablished;
  std::uint32_t flows = 1'000'000;
  /// Short connections at a time; not more than there are flows for them.
  std::uint32_t side_by_side = 64;
  /// Data packets of each of `connections`.
  std::uint32_t data = 4;
};

class TrafficPattern {
 public:
  /// Mixed traffic deals flows in eighths.
  static constexpr std::uint32_t kFewestMixedFlows = 8;

  /// REQUIRES: 0 < flows <= kMostFlows; at least kFewestMixedFlows if mixed; side_by_side > 0.
  explicit TrafficPattern(const TrafficSpec& spec) : spec_(spec) {}

  Step step(std::uint64_t number) const;
  /// The first flows, which live to the end: so many.
  std::uint32_t established_flows() const;

 private:
  TrafficSpec spec_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_H_
