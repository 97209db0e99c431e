// SPDX-License-Identifier: Apache-2.0
// Tunnels made by hand, header by header from the RFCs, also of kinds that the core does not have.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_UNIT_PKTGEN_TUNNELS_H_
#define GUIDEWAY_TESTS_UNIT_PKTGEN_TUNNELS_H_

#include <cstdint>

#include "tests/support/frame.h"

namespace guideway::pktgen::test {

using guideway::test::Bytes;

/// The IP packet in a frame, without what pads the frame.
Bytes ip_packet_of(const Bytes& frame);

struct Outer {
  int family = 4;
  std::uint8_t protocol = 4;
  /// Last byte of the backend's address: 10.0.0.N or fd00::N.
  std::uint8_t backend = 11;
};
/// Ethernet, an outer IP header with a right checksum, then `payload`.
Bytes in_ip(const Outer& outer, const Bytes& payload);

/// A UDP header without checksum, then `payload`.
Bytes in_udp(std::uint16_t port, const Bytes& payload);

Bytes joined(const Bytes& first, const Bytes& second);

/// The IP protocol number of a packet inside another: 4 or 41.
std::uint8_t inner_protocol(const Bytes& packet);
/// Its Ethernet type.
Bytes ethertype(const Bytes& packet);

}  // namespace guideway::pktgen::test

#endif  // GUIDEWAY_TESTS_UNIT_PKTGEN_TUNNELS_H_
