// SPDX-License-Identifier: Apache-2.0
// TrafficSource: the packets of a pattern one after the other, with the turns of established flows
// dealt out by popularity instead of evenly.
// Threading: one thread.
#ifndef GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_SOURCE_H_
#define GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_SOURCE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "traffic.h"
#include "zipf.h"

namespace guideway::pktgen {

class TrafficSource {
 public:
  /// `zipf`: exponent of the popularity of the established flows, the first ones being the most
  /// popular; takes four bytes of memory a flow. None: all have their turn.
  TrafficSource(const TrafficPattern& pattern, std::optional<double> zipf, std::uint64_t seed);

  Step next();

 private:
  TrafficPattern pattern_;
  std::uint64_t number_ = 0;
  std::optional<Zipf> zipf_;
  /// Packets of each established flow behind its SYN.
  std::vector<std::uint32_t> sent_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_TRAFFIC_SOURCE_H_
