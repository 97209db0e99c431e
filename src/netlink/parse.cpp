// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/parse.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cstring>
#include <string_view>

namespace guideway::netlink {
namespace {

/// The attributes of one message, or of one nested attribute, by type.
class Attributes {
 public:
  /// Of a message whose attributes follow a fixed header of `header_bytes`.
  bool parse(const nlmsghdr& message, int header_bytes) {
    // libnl's parsers take pointers to mutable memory, but only read.
    auto* header = const_cast<nlmsghdr*>(&message);
    return nlmsg_valid_hdr(header, header_bytes) != 0 &&
           nlmsg_parse(header, header_bytes, table_.data(), kMax, nullptr) == 0;
  }

  bool parse_nested(const nlattr* outer) {
    return outer != nullptr &&
           nla_parse_nested(table_.data(), kMax, const_cast<nlattr*>(outer), nullptr) == 0;
  }

  const nlattr* get(int type) const { return table_[static_cast<std::size_t>(type)]; }

  /// The attribute as a number; none when absent or of another size.
  template <typename T>
  std::optional<T> number(int type) const {
    const nlattr* attribute = get(type);
    if (attribute == nullptr || nla_len(attribute) != static_cast<int>(sizeof(T))) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, nla_data(attribute), sizeof value);
    return value;
  }

  std::string_view text(int type) const {
    const nlattr* attribute = get(type);
    if (attribute == nullptr) return {};
    const auto* start = static_cast<const char*>(nla_data(attribute));
    return {start, strnlen(start, static_cast<std::size_t>(nla_len(attribute)))};
  }

  std::optional<IpAddress> address(int type) const {
    const nlattr* attribute = get(type);
    if (attribute == nullptr) return std::nullopt;
    return to_address(nla_data(attribute), static_cast<std::size_t>(nla_len(attribute)));
  }

  std::optional<Mac> mac(int type) const {
    const auto bytes = number<std::array<std::uint8_t, 6>>(type);
    return bytes ? std::optional<Mac>(Mac{*bytes}) : std::nullopt;
  }

  static std::optional<IpAddress> to_address(const void* bytes, std::size_t size) {
    auto address = IpAddress::from_bytes(bytes, size);
    return address ? std::optional<IpAddress>(*address) : std::nullopt;
  }

 private:
  /// The highest type looked at in any message here (links have the most).
  static constexpr int kMax = IFLA_MAX;

  std::array<nlattr*, kMax + 1> table_{};
};

/// The fixed header; valid only after Attributes::parse() accepted its size.
template <typename Header>
const Header& header_of(const nlmsghdr& message) {
  return *static_cast<const Header*>(nlmsg_data(&message));
}

bool is_ip(unsigned char family) { return family == AF_INET || family == AF_INET6; }

/// RTA_VIA carries a gateway of another family than the destination: a 16-bit family, then the
/// address.
std::optional<IpAddress> via_address(const nlattr* via) {
  if (via == nullptr || nla_len(via) <= static_cast<int>(sizeof(std::uint16_t)))
    return std::nullopt;
  const auto* bytes = static_cast<const std::uint8_t*>(nla_data(via)) + sizeof(std::uint16_t);
  const auto size = static_cast<std::size_t>(nla_len(via)) - sizeof(std::uint16_t);
  return Attributes::to_address(bytes, size);
}

/// Fills vlan_id, vlan_protocol and lower_index when the link is a VLAN interface whose lower link
/// we can see.
void parse_vlan(const Attributes& attributes, Link& link) {
  Attributes info;
  if (!info.parse_nested(attributes.get(IFLA_LINKINFO)) || info.text(IFLA_INFO_KIND) != "vlan")
    return;
  // The lower link's index counts in another namespace then, and must not be followed here.
  if (attributes.get(IFLA_LINK_NETNSID) != nullptr) return;
  Attributes vlan;
  const auto lower = attributes.number<std::uint32_t>(IFLA_LINK);
  if (!lower || !vlan.parse_nested(info.get(IFLA_INFO_DATA))) return;
  link.vlan_id = vlan.number<std::uint16_t>(IFLA_VLAN_ID);
  if (const auto protocol = vlan.number<std::uint16_t>(IFLA_VLAN_PROTOCOL)) {
    link.vlan_protocol = ntohs(*protocol);
  }
  link.lower_index = static_cast<int>(*lower);
}

std::uint32_t metric_mtu(const nlattr* metrics) {
  Attributes table;
  if (!table.parse_nested(metrics)) return 0;
  return table.number<std::uint32_t>(RTAX_MTU).value_or(0);
}

}  // namespace

std::optional<Link> parse_link(const nlmsghdr& message) {
  Attributes attributes;
  if (!attributes.parse(message, sizeof(ifinfomsg))) return std::nullopt;
  const auto& header = header_of<ifinfomsg>(message);
  // AF_BRIDGE messages describe ports of a bridge, with other attributes.
  if (header.ifi_family != AF_UNSPEC) return std::nullopt;
  Link link;
  link.index = header.ifi_index;
  link.name = attributes.text(IFLA_IFNAME);
  if (header.ifi_type == ARPHRD_ETHER || header.ifi_type == ARPHRD_LOOPBACK) {
    link.mac = attributes.mac(IFLA_ADDRESS);
  }
  link.mtu = attributes.number<std::uint32_t>(IFLA_MTU).value_or(link.mtu);
  link.up = (header.ifi_flags & IFF_UP) != 0;
  parse_vlan(attributes, link);
  return link;
}

std::optional<Neighbour> parse_neighbour(const nlmsghdr& message) {
  Attributes attributes;
  if (!attributes.parse(message, sizeof(ndmsg))) return std::nullopt;
  const auto& header = header_of<ndmsg>(message);
  const auto address = attributes.address(NDA_DST);
  if (!is_ip(header.ndm_family) || (header.ndm_flags & NTF_PROXY) != 0 || !address) {
    return std::nullopt;
  }
  Neighbour neighbour;
  neighbour.key = {header.ndm_ifindex, *address};
  neighbour.state = header.ndm_state;
  neighbour.mac = attributes.mac(NDA_LLADDR);
  neighbour.managed =
      (attributes.number<std::uint32_t>(NDA_FLAGS_EXT).value_or(0) & NTF_EXT_MANAGED) != 0;
  return neighbour;
}

Route parse_route(const nlmsghdr& message) {
  Attributes attributes;
  if (!attributes.parse(message, sizeof(rtmsg))) return {};
  const auto& header = header_of<rtmsg>(message);
  const auto link = attributes.number<std::uint32_t>(RTA_OIF);
  Route route;
  if (header.rtm_type == RTN_LOCAL) route.kind = Route::Kind::kLocal;
  if (header.rtm_type != RTN_UNICAST || !link) return route;
  route.kind = Route::Kind::kLink;
  route.link = static_cast<int>(*link);
  route.gateway = attributes.address(RTA_GATEWAY);
  if (!route.gateway) route.gateway = via_address(attributes.get(RTA_VIA));
  route.preferred_source = attributes.address(RTA_PREFSRC);
  route.mtu = metric_mtu(attributes.get(RTA_METRICS));
  return route;
}

std::optional<IpPrefix> parse_route_prefix(const nlmsghdr& message) {
  Attributes attributes;
  if (!attributes.parse(message, sizeof(rtmsg))) return std::nullopt;
  const auto& header = header_of<rtmsg>(message);
  if (!is_ip(header.rtm_family)) return std::nullopt;
  // The default route carries no destination.
  const IpAddress any = header.rtm_family == AF_INET ? IpAddress::v4({}) : IpAddress::v6({});
  return IpPrefix{attributes.address(RTA_DST).value_or(any), header.rtm_dst_len};
}

std::optional<InterfaceAddress> parse_address(const nlmsghdr& message) {
  Attributes attributes;
  if (!attributes.parse(message, sizeof(ifaddrmsg))) return std::nullopt;
  const auto& header = header_of<ifaddrmsg>(message);
  // On point-to-point links IFA_ADDRESS is the peer; IFA_LOCAL is ours wherever it is given.
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  if (!is_ip(header.ifa_family) || !address) return std::nullopt;
  return InterfaceAddress{static_cast<int>(header.ifa_index), {*address, header.ifa_prefixlen}};
}

}  // namespace guideway::netlink
