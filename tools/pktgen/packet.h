// SPDX-License-Identifier: Apache-2.0
// PacketBuilder: a step of the traffic as the frame that a client's router would send to the load
// balancer, with all checksums right.
// Threading: immutable.
// Source: RFC 791, RFC 8200, RFC 9293, RFC 768.
#ifndef GUIDEWAY_TOOLS_PKTGEN_PACKET_H_
#define GUIDEWAY_TOOLS_PKTGEN_PACKET_H_

#include <cstdint>

#include "flow.h"
#include "sizes.h"
#include "traffic.h"

namespace guideway::pktgen {

inline constexpr unsigned kEthernetLength = 14;
/// The shortest frame, without Ethernet's checksum.
inline constexpr unsigned kShortestFrame = 60;
/// Of every packet sent; the load balancer takes one off.
inline constexpr std::uint8_t kSentTtl = 64;

class PacketBuilder {
 public:
  /// REQUIRES: an MTU of at most 9000.
  PacketBuilder(FlowSpace flows, Sizes sizes, Mac source, Mac gateway);

  /// Writes the frame; returns its length. `now_ns`: for its stamp, if it has one. REQUIRES:
  /// kEthernetLength + MTU and kShortestFrame bytes at `frame`.
  unsigned build(const Step& step, std::uint8_t* frame, std::uint64_t now_ns = 0) const;

 private:
  FlowSpace flows_;
  Sizes sizes_;
  Mac source_;
  Mac gateway_;
};

/// The checksum of a TCP or UDP segment with its pseudo header, as Checksum::folded(): 0xffff if
/// the one inside is right. `addresses`: source and destination, as they stand in the IP header.
std::uint16_t segment_sum(Protocol protocol, ByteSpan addresses, ByteSpan segment);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_PACKET_H_
