// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/requests.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include <cstddef>
#include <new>

namespace guideway::netlink {
namespace {

/// A message with its fixed header. libnl's calls fail only for want of memory or room; no request
/// here comes near a page, so both are out of memory.
template <typename Header>
Message make(int type, int flags, const Header& header) {
  Message message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
  auto fixed = header;
  if (!message || nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO) < 0) {
    throw std::bad_alloc();
  }
  return message;
}

void put(Message& message, int attribute, const void* data, std::size_t size) {
  if (nla_put(message.get(), attribute, static_cast<int>(size), data) < 0) throw std::bad_alloc();
}

void put(Message& message, int attribute, const IpAddress& address) {
  put(message, attribute, address.bytes().data(), address.size());
}

unsigned char family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

ndmsg neighbour_header(const NeighbourKey& neighbour) {
  ndmsg header{};
  header.ndm_family = family_of(neighbour.address);
  header.ndm_ifindex = neighbour.link;
  return header;
}

Message address_message(int type, int flags, int link, const IpPrefix& prefix) {
  ifaddrmsg header{};
  header.ifa_family = family_of(prefix.address);
  header.ifa_prefixlen = prefix.length;
  header.ifa_index = static_cast<unsigned>(link);
  Message message = make(type, flags | NLM_F_ACK, header);
  put(message, IFA_LOCAL, prefix.address);
  put(message, IFA_ADDRESS, prefix.address);
  return message;
}

}  // namespace

Message dump_request(int type) {
  // The longest of the three kinds' headers; each reads the family and finds zeros after it.
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  return make(type, NLM_F_DUMP, header);
}

Message route_request(const IpAddress& destination) {
  rtmsg header{};
  header.rtm_family = family_of(destination);
  header.rtm_dst_len = static_cast<unsigned char>(destination.size() * 8);
  Message message = make(RTM_GETROUTE, 0, header);
  put(message, RTA_DST, destination);
  return message;
}

Message neighbour_request(const NeighbourKey& neighbour, Refresh refresh) {
  ndmsg header = neighbour_header(neighbour);
  header.ndm_flags = NTF_USE;
  // Learned by a control plane: not counted against gc_thresh3 and never collected, so that 5,000
  // backends on one segment need no sysctl.
  if (refresh == Refresh::kManaged) header.ndm_flags |= NTF_EXT_LEARNED;
  Message message = make(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, header);
  put(message, NDA_DST, neighbour.address);
  if (refresh == Refresh::kManaged) {
    const std::uint32_t flags = NTF_EXT_MANAGED;
    put(message, NDA_FLAGS_EXT, &flags, sizeof flags);
  }
  return message;
}

Message neighbour_removal(const NeighbourKey& neighbour) {
  Message message = make(RTM_DELNEIGH, NLM_F_ACK, neighbour_header(neighbour));
  put(message, NDA_DST, neighbour.address);
  return message;
}

Message link_up_request(int link) {
  ifinfomsg header{};
  header.ifi_index = link;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return make(RTM_NEWLINK, NLM_F_ACK, header);
}

Message address_request(int link, const IpPrefix& prefix, SourceChoice choice) {
  Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link, prefix);
  put(message, IFA_PROTO, &kAddressProtocol, sizeof kAddressProtocol);
  if (prefix.address.is_v4()) return message;
  const std::uint32_t flags = IFA_F_NODAD;
  put(message, IFA_FLAGS, &flags, sizeof flags);
  if (choice == SourceChoice::kAvoided) {
    // Deprecated from the start (RFC 4862 §5.5.4): answers, but is no source while another exists.
    ifa_cacheinfo lifetime{};
    lifetime.ifa_prefered = 0;
    lifetime.ifa_valid = 0xffffffff;
    put(message, IFA_CACHEINFO, &lifetime, sizeof lifetime);
  }
  return message;
}

Message address_removal(int link, const IpPrefix& prefix) {
  return address_message(RTM_DELADDR, 0, link, prefix);
}

}  // namespace guideway::netlink
