// SPDX-License-Identifier: Apache-2.0
// How to reach a backend from here: what the kernel's routes and neighbours say, as a value.
// netlink produces it, compile writes it into the backend records.
// Threading: values.
#ifndef GUIDEWAY_COMPILE_NEXT_HOP_H_
#define GUIDEWAY_COMPILE_NEXT_HOP_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "guideway/base/address.h"

namespace guideway::compile {

/// An IEEE 802.1Q tag.
struct VlanTag {
  static constexpr std::uint16_t kCustomer = 0x8100;
  static constexpr std::uint16_t kService = 0x88a8;

  std::uint16_t id = 0;
  /// The EtherType in front of it, as the VLAN interface was made with.
  std::uint16_t protocol = kCustomer;

  friend bool operator==(const VlanTag&, const VlanTag&) = default;
};

struct NextHop {
  enum class State : std::uint8_t {
    kResolved,
    kResolving,       // asked for, no answer yet
    kFailed,          // the neighbour does not answer
    kNoRoute,         // the kernel has no route
    kOtherInterface,  // the route leaves by an interface that is not Guideway's
  };
  State state = State::kResolving;
  /// Everything below is meaningful only when kResolved.
  Mac destination;
  Mac source;
  /// Index into Model::interfaces.
  std::uint16_t interface_index = 0;
  /// Outermost first; the first `vlan_count` count.
  std::array<VlanTag, 2> vlans{};
  std::uint8_t vlan_count = 0;
  /// IP bytes that fit the path to the next hop.
  std::uint16_t mtu = 1500;
  /// The address the kernel would send from: the outer source for "auto".
  IpAddress preferred_source;

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

/// Why nothing can be sent, for people: "no neighbour: the next hop does not answer". Empty when
/// resolved.
std::string describe(const NextHop& hop);

/// By backend address. An address that is absent counts as kResolving.
using NextHops = std::map<IpAddress, NextHop>;

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_NEXT_HOP_H_
