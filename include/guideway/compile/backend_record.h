// SPDX-License-Identifier: Apache-2.0
// Backend records: the complete new header that rewriting puts in front of a packet, as a template.
// A new tunnel type is another template here, and no other code path in the core.
// Threading: no state.
// Source: IEEE 802.1Q (VLAN tags), RFC 791 and 8200 (IP), RFC 2003, 2473, 4213 (IP in IP),
// RFC 7348 (VXLAN), RFC 2784 and 2890 (GRE), RFC 7676 (GRE over IPv6), draft-ietf-intarea-gue-09
// (GUE), RFC 6864 (IPv4 id of atomic datagrams), RFC 6935 (zero UDP checksum over IPv6).
#ifndef GUIDEWAY_COMPILE_BACKEND_RECORD_H_
#define GUIDEWAY_COMPILE_BACKEND_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/compile/next_hop.h"
#include "guideway/core/layout.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// Where packets for one backend go, and in what.
struct Destination {
  IpAddress address;
  /// Of kNat; 0: the service's.
  std::uint16_t port = 0;
  model::Forwarding forwarding = model::Forwarding::kL2Dsr;
  /// Set when forwarding is kVxlan.
  std::optional<model::Vxlan> vxlan;
  /// Of kGre and kGue; none: their defaults.
  std::optional<model::Gre> gre;
  std::optional<model::Gue> gue;
  /// Outer source address; none: what the kernel's route prefers.
  std::optional<IpAddress> source;
};

/// The source of the inner Ethernet header of VXLAN: "gw" under the locally administered prefix. No
/// frame is ever sent to it.
inline constexpr Mac kInnerSourceMac{{0x02, 'g', 'w', 0, 0, 0}};

/// Why nothing can be sent to the destination now, for people; empty if it can. What the kernel has
/// to change, not the operator.
std::string obstacle(const Destination& destination, const NextHop& hop);

/// The record, without pool and sweep_timeout_s. While there is an obstacle it has GW_BACKEND_USED
/// alone, and for NAT whose answers are taken. Errors: what the operator has to change: a source of
/// the other family, vxlan without its settings.
Result<gw_backend> make_backend_record(const Destination& destination, const NextHop& hop);

/// Where the record's tunnel packets come from; none: no tunnel, or nothing can be sent now.
std::optional<IpAddress> outer_source_of(const gw_backend& record);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_BACKEND_RECORD_H_
