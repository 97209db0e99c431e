// SPDX-License-Identifier: Apache-2.0
// Sizes: how long a packet is. A function of its mark and flags, so the sink knows what to expect.
// Sizes on the wire count Ethernet's header and checksum: an IP packet of N bytes takes N + 18.
// Threading: values.
// Source: the simple IMIX: 7 frames of 64 bytes, 4 of 594, 1 of 1518 (RFC 6985 §4, Table 1).
#ifndef GUIDEWAY_TOOLS_PKTGEN_SIZES_H_
#define GUIDEWAY_TOOLS_PKTGEN_SIZES_H_

#include <cstdint>

#include "traffic.h"

namespace guideway::pktgen {

enum class Size : std::uint8_t { k64, kImix, kMtu };

struct Sizes {
  Size size = Size::k64;
  /// IP bytes; none longer is sent.
  unsigned mtu = 1500;
  /// Data says when it was sent.
  bool stamped = false;

  /// Whether the packet of this step has a stamp.
  bool has_stamp(TcpFlags flags, Protocol protocol) const {
    return stamped && (protocol == Protocol::kUdp || carries_data(flags));
  }
  /// IP bytes of a packet: at least what headers, mark and stamp need, and no more than that in TCP
  /// without data.
  unsigned ip_length(const Step& step, Family family, Protocol protocol) const;
};

constexpr unsigned ip_header_length(Family family) { return family == Family::kIpv4 ? 20 : 40; }

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_SIZES_H_
