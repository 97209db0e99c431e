// SPDX-License-Identifier: Apache-2.0
// Fragments of an IPv4 packet that does not fit whole, and may be fragmented: for the rare packet
// that the core has refused as GW_REASON_MTU_EXCEEDED, or that is longer than the device takes.
//
// For a tunnel it is the inner packet that is fragmented, and each fragment gets an outer header of
// its own: the backend's decapsulator sees whole packets, and the stack behind it puts the
// fragments together, as it would have to without Guideway. Without a tunnel, and translated by
// NAT, the packet is fragmented as it leaves. Each fragment is a copy in one buffer: AF_XDP sends
// the first segment of a chain alone.
//
// What gets another source address gets another identification, too: those of two clients, or of
// two backends, may be the same, and the receiver would put pieces of both together.
//
// Threading: the worker that has the packet.
// Source: RFC 791 §2.3 and §3.2, RFC 4459 §3.4 (fragmentation of the inner packet),
// RFC 6864 §5.3 (identifications behind a translator).
#ifndef GUIDEWAY_DATAPATH_DPDK_FRAGMENT_H_
#define GUIDEWAY_DATAPATH_DPDK_FRAGMENT_H_

#include <array>
#include <cstdint>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/outcome.h"

struct rte_mbuf;

namespace guideway::datapath::dpdk {

struct Fragments {
  /// Of one packet: a frame of 9,000 bytes over a path of 620. More would be an amplifier.
  static constexpr unsigned kMost = 16;

  std::array<rte_mbuf*, kMost> packets;
  unsigned count = 0;
  /// Where they leave, by the backend's record. Not set by fragment_frame().
  std::uint16_t interface_index = 0;
  /// For a packet whose source has been translated. Set before; another one for each packet.
  std::uint16_t identification = 0;

  void free();
};

/// Makes the fragments, ready to be sent, of a packet for the backend outcome.backend that the core
/// has left as it came, and sets outcome.service. Returns GW_GO_ON, or why there are none:
/// GW_REASON_MTU_EXCEEDED when it must not be fragmented (DF, IPv6, a wrong header checksum, more
/// than kMost), GW_REASON_NO_BUFFER when the pool is empty. `packet` stays the caller's, and is
/// fit to be freed only. Fragments come from its pool.
gw_reason fragment_for_backend(const gw_port& port, rte_mbuf* packet, gw_outcome& outcome,
                               std::uint32_t now_s, Fragments& made);

/// The same for a frame that NAT has made for a client, in IP packets of at most `mtu` bytes.
gw_reason fragment_frame(rte_mbuf* packet, unsigned mtu, Fragments& made);

/// Whether the frame's IP packet has more than `mtu` bytes, whatever stands before and behind it.
bool is_packet_longer_than(rte_mbuf* packet, unsigned mtu);

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_FRAGMENT_H_
