// SPDX-License-Identifier: Apache-2.0
// Netlink messages -> facts. Every attribute is checked for its size: a message that is too short
// or not about what Guideway needs gives none. Threading: no state. Source: rtnetlink(7),
// <linux/if_link.h>, <linux/neighbour.h>, <linux/rtnetlink.h>.
#ifndef GUIDEWAY_NETLINK_PARSE_H_
#define GUIDEWAY_NETLINK_PARSE_H_

#include <linux/netlink.h>

#include <optional>

#include "guideway/base/address.h"
#include "guideway/netlink/facts.h"

namespace guideway::netlink {

/// From RTM_NEWLINK or RTM_DELLINK.
std::optional<Link> parse_link(const nlmsghdr& message);

/// From RTM_NEWNEIGH or RTM_DELNEIGH. None for bridge forwarding entries and proxies.
std::optional<Neighbour> parse_neighbour(const nlmsghdr& message);

/// From the RTM_NEWROUTE that answers a route request for one address. A message that makes no
/// sense is no route.
Route parse_route(const nlmsghdr& message);

/// Which destinations an RTM_NEWROUTE or RTM_DELROUTE notification is about. None for other
/// families than IPv4 and IPv6.
std::optional<IpPrefix> parse_route_prefix(const nlmsghdr& message);

/// From RTM_NEWADDR or RTM_DELADDR.
std::optional<InterfaceAddress> parse_address(const nlmsghdr& message);

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_PARSE_H_
