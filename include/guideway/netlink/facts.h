// SPDX-License-Identifier: Apache-2.0
// What the kernel says about links, neighbours, routes and addresses, reduced to what Guideway
// needs. parse.h makes these values from netlink messages, tables.h draws the conclusions.
// Threading: values.
// Source: rtnetlink(7); <linux/neighbour.h>.
#ifndef GUIDEWAY_NETLINK_FACTS_H_
#define GUIDEWAY_NETLINK_FACTS_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "guideway/base/address.h"

namespace guideway::netlink {

/// A network interface.
struct Link {
  int index = 0;
  std::string name;
  /// None when the link is not Ethernet (loopback counts as Ethernet, with a zero address).
  std::optional<Mac> mac;
  /// IP bytes.
  std::uint32_t mtu = 1500;
  /// Administratively up (IFF_UP).
  bool up = false;
  /// Set on a VLAN interface whose lower interface is in this network namespace.
  std::optional<std::uint16_t> vlan_id;
  /// EtherType of its tag: 802.1Q unless the kernel says 802.1ad.
  std::uint16_t vlan_protocol = 0x8100;
  /// The link that a VLAN interface stands on; 0: none.
  int lower_index = 0;

  friend bool operator==(const Link&, const Link&) = default;
};

/// Names one neighbour: the same address on two links is two neighbours.
struct NeighbourKey {
  int link = 0;
  IpAddress address;

  friend auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

/// An entry of the kernel's neighbour table.
struct Neighbour {
  NeighbourKey key;
  /// NUD_* of <linux/neighbour.h>.
  std::uint16_t state = 0;
  std::optional<Mac> mac;
  /// The kernel keeps it fresh by itself (NTF_EXT_MANAGED).
  bool managed = false;

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

/// The kernel's answer to "how do you reach this address?".
struct Route {
  enum class Kind : std::uint8_t {
    kNone,   // no route, or one that rejects
    kLocal,  // an address of this host
    kLink,   // leaves by `link`; the rest is meaningful only then
  };
  Kind kind = Kind::kNone;
  int link = 0;
  /// None: the destination itself is the neighbour. May be IPv6 for an IPv4 destination (RFC 8950).
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> preferred_source;
  /// IP bytes; 0: the route does not say.
  std::uint32_t mtu = 0;

  friend bool operator==(const Route&, const Route&) = default;
};

/// An address of this host.
struct InterfaceAddress {
  int link = 0;
  IpPrefix prefix;

  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// IFA_PROTO of addresses that Guideway adds, 'G'. The kernel only stores it (0–3 are its own), for
/// people: `ip addr` shows it as "proto 71". It does not say which director added an address;
/// owned_addresses.h does.
constexpr std::uint8_t kAddressProtocol = 0x47;

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_FACTS_H_
