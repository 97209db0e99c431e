// SPDX-License-Identifier: Apache-2.0
// The netlink requests that Guideway sends, as messages ready for Socket::request().
// Threading: no state.
// Source: rtnetlink(7), <linux/neighbour.h>.
#ifndef GUIDEWAY_NETLINK_REQUESTS_H_
#define GUIDEWAY_NETLINK_REQUESTS_H_

#include <netlink/msg.h>

#include <cstdint>
#include <memory>

#include "guideway/base/address.h"
#include "guideway/netlink/facts.h"

namespace guideway::netlink {

struct FreeMessage {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, FreeMessage>;

/// How a neighbour is asked for.
enum class Refresh : std::uint8_t {
  kManaged,  // the kernel resolves it now and keeps it fresh by itself; kernel 5.16 or later
  kOnce,     // the kernel resolves it now, as if it had a packet for it
};

/// `type` is RTM_GETLINK, RTM_GETNEIGH or RTM_GETADDR: everything of that kind.
Message dump_request(int type);

/// How would the kernel reach `destination`? Policy rules for locally made packets apply.
Message route_request(const IpAddress& destination);

/// REQUIRES: the entry is not permanent (the kernel would make it an ordinary one).
Message neighbour_request(const NeighbourKey& neighbour, Refresh refresh);
Message neighbour_removal(const NeighbourKey& neighbour);

Message link_up_request(int link);

/// Whether the kernel may choose an address as the source of the host's own packets.
enum class SourceChoice : std::uint8_t { kPreferred, kAvoided };

/// Refused by the kernel with EEXIST when the link has the address already. IPv6 addresses come
/// without duplicate address detection. kAvoided has an effect on IPv6 only.
Message address_request(int link, const IpPrefix& prefix, SourceChoice choice);
Message address_removal(int link, const IpPrefix& prefix);

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_REQUESTS_H_
