// SPDX-License-Identifier: Apache-2.0
// TrafficPattern: which packet of which flow is the n-th to be sent. A function of n, so the
// generator keeps no state of any flow.
//
//   syn-flood    SYNs only, each of the next flow; after the last flow again from the first
//   new          short connections of three packets (SYN, data, FIN), 64 of them side by side;
//   after
//                the last flow the first connects again
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

enum class Traffic : std::uint8_t { kSynFlood, kNew, kEstablished, kMixed };

enum TcpFlags : std::uint8_t {
  kSyn = 0x02,
  kPushAck = 0x18,
  kFinAck = 0x11,
};

struct Step {
  Mark mark;
  TcpFlags flags = kSyn;
};

class TrafficPattern {
 public:
  /// Mixed traffic deals flows in eighths.
  static constexpr std::uint32_t kFewestMixedFlows = 8;

  /// REQUIRES: 0 < flows <= kMostFlows; at least kFewestMixedFlows if mixed.
  TrafficPattern(Traffic traffic, std::uint32_t flows);

  Step step(std::uint64_t number) const;

 private:
  Traffic traffic_;
  std::uint32_t flows_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_H_
