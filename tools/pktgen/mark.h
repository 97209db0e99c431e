// SPDX-License-Identifier: Apache-2.0
// Mark: what every packet says about itself, so that the sink knows what was sent: which flow,
// which packet of it. Ten bytes that fit the smallest frame of either protocol:
//
//   TCP  bytes 4–7 of its header (sequence number)   sequence
//        bytes 8–11 (acknowledgement number)         0xa7, then 24 bits of flow index
//        bytes 14–15 (window)                        check
//   UDP  payload bytes 0–3, 4–7, 8–9                 the same three
//
// The check depends on the seed too, so packets of another run do not pass for ours.
//
// Behind it, if times are measured, data has a stamp: when it was sent, in ns, the low 48 bits. It
// fits the smallest frame of IPv4.
// Threading: no state.
#ifndef GUIDEWAY_TOOLS_PKTGEN_MARK_H_
#define GUIDEWAY_TOOLS_PKTGEN_MARK_H_

#include <cstdint>
#include <optional>

#include "flow.h"

namespace guideway::pktgen {

struct Mark {
  std::uint32_t flow = 0;
  std::uint32_t sequence = 0;

  friend bool operator==(const Mark&, const Mark&) = default;
};

/// The bytes that a packet of this protocol needs for its transport header and mark.
constexpr unsigned shortest_segment(Protocol protocol) {
  return protocol == Protocol::kTcp ? 20 : 8 + 10;
}

constexpr unsigned kStampLength = 6;

/// REQUIRES: shortest_segment() + kStampLength bytes at `segment`.
void write_stamp(std::uint8_t* segment, Protocol protocol, std::uint64_t now_ns);
/// Time from the stamp to now; 0 if it is in the future. REQUIRES: likewise.
std::uint64_t ns_since_stamp(const std::uint8_t* segment, Protocol protocol, std::uint64_t now_ns);

/// REQUIRES: shortest_segment() bytes at `segment`, the start of the TCP or UDP header;
/// mark.flow < kMostFlows.
void write_mark(std::uint8_t* segment, Protocol protocol, std::uint64_t seed, const Mark& mark);

/// None if there is no mark of this run. REQUIRES: as write_mark().
std::optional<Mark> read_mark(const std::uint8_t* segment, Protocol protocol, std::uint64_t seed);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_MARK_H_
