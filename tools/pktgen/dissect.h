// SPDX-License-Identifier: Apache-2.0
// A frame that the load balancer sent, taken apart: which backend it is for, and where in it the
// client's packet is. Knows plain frames (the backend is the destination MAC) and IPIP, GRE, GUE
// and VXLAN (the backend is the outer destination), with up to two VLAN tags and either family
// outside and inside. Frames are not trusted: every read is bounded.
// Threading: no state.
// Source: RFC 2003, RFC 2473, RFC 4213 (IP in IP), RFC 2784 and RFC 2890 (GRE), RFC 7348 (VXLAN),
// draft-ietf-intarea-gue-09 (GUE), RFC 6935 (zero UDP checksum of tunnels over IPv6).
#ifndef GUIDEWAY_TOOLS_PKTGEN_DISSECT_H_
#define GUIDEWAY_TOOLS_PKTGEN_DISSECT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "bytes.h"
#include "faults.h"
#include "flow.h"

namespace guideway::pktgen {

enum class Tunnel : std::uint8_t { kNone, kIpip, kGre, kGue, kVxlan };

/// "l2dsr" for kNone, else "ipip" and so on.
const char* name_of(Tunnel tunnel);

struct BackendKey {
  Tunnel tunnel = Tunnel::kNone;
  /// 6 bytes of MAC, or an address of 4 or 16; the rest is 0.
  std::uint8_t size = 0;
  std::array<std::uint8_t, 16> bytes{};

  std::string to_string() const;
  friend bool operator==(const BackendKey&, const BackendKey&) = default;
};

struct ClientPacket {
  BackendKey backend;
  Family family = Family::kIpv4;
  /// From its IP header to the end of what the frame, or the tunnel, holds. At least an IP header.
  ByteSpan bytes;
  /// Of what is around it.
  Faults faults;
};

inline constexpr std::uint16_t kVxlanPort = 4789;
inline constexpr std::uint16_t kGuePort = 6080;

/// None if there is no packet to one of our VIPs in it.
std::optional<ClientPacket> find_client_packet(ByteSpan frame, const FlowSpace& flows);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_DISSECT_H_
