// SPDX-License-Identifier: Apache-2.0
// Announcements: the frames that tell a segment's neighbours "this address is at this MAC now".
// Threading: no state.
// Source: ARP announcement RFC 5227 §3; unsolicited neighbour advertisement RFC 4861 §4.4, §7.2.6.
#ifndef GUIDEWAY_NETLINK_ANNOUNCE_H_
#define GUIDEWAY_NETLINK_ANNOUNCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::netlink {

/// The whole Ethernet frame: for IPv4 a broadcast ARP request whose sender and target are
/// `address`, for IPv6 a neighbour advertisement to ff02::1 with the override flag.
std::vector<std::uint8_t> announcement(const IpAddress& address, const Mac& mac);

/// Sends the announcements of `addresses` on one interface, each once. Errors: the interface is
/// down, no permission; some may have been sent then.
Result<void> announce(int link, const std::string& kernel_name, const Mac& mac,
                      const std::vector<IpAddress>& addresses);

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_ANNOUNCE_H_
