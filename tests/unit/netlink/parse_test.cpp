// SPDX-License-Identifier: Apache-2.0
// Messages are built here attribute by attribute, as the kernel lays them out.
#include "guideway/netlink/parse.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "../../support/ip.h"
#include "guideway/netlink/requests.h"

namespace guideway::netlink {
namespace {

using guideway::test::ip;

const Mac kLinkMac{{0x02, 0x67, 0x77, 0x00, 0x00, 0x01}};

/// A message under construction.
class Build {
 public:
  template <typename Header>
  Build(int type, Header header) : message_(nlmsg_alloc_simple(type, 0)) {
    nlmsg_append(message_.get(), &header, sizeof header, NLMSG_ALIGNTO);
  }

  template <typename T>
  Build& put(int type, const T& value) {
    nla_put(message_.get(), type, sizeof value, &value);
    return *this;
  }
  Build& put(int type, const IpAddress& address) {
    nla_put(message_.get(), type, static_cast<int>(address.size()), address.bytes().data());
    return *this;
  }
  Build& put(int type, const char* text) {
    nla_put_string(message_.get(), type, text);
    return *this;
  }
  template <typename F>
  Build& nest(int type, F fill) {
    nlattr* outer = nla_nest_start(message_.get(), type);
    fill(*this);
    nla_nest_end(message_.get(), outer);
    return *this;
  }

  const nlmsghdr& header() const { return *nlmsg_hdr(message_.get()); }

 private:
  Message message_;
};

ifinfomsg link_header(int index, unsigned flags = IFF_UP) {
  ifinfomsg header{};
  header.ifi_type = ARPHRD_ETHER;
  header.ifi_index = index;
  header.ifi_flags = flags;
  return header;
}

Build vlan_link(std::optional<std::uint16_t> protocol = std::nullopt) {
  Build build(RTM_NEWLINK, link_header(7));
  build.put(IFLA_IFNAME, "gw-wan.100")
      .put(IFLA_ADDRESS, kLinkMac.bytes)
      .put(IFLA_MTU, std::uint32_t{1496})
      .put(IFLA_LINK, std::uint32_t{2})
      .nest(IFLA_LINKINFO, [&](Build& info) {
        info.put(IFLA_INFO_KIND, "vlan").nest(IFLA_INFO_DATA, [&](Build& data) {
          data.put(IFLA_VLAN_ID, std::uint16_t{100});
          if (protocol) data.put(IFLA_VLAN_PROTOCOL, htons(*protocol));
        });
      });
  return build;
}

TEST(ParseLink, ReadsAVlanInterface) {
  const Build build = vlan_link();
  const auto link = parse_link(build.header());
  ASSERT_TRUE(link);
  const Link expected{.index = 7,
                      .name = "gw-wan.100",
                      .mac = kLinkMac,
                      .mtu = 1496,
                      .up = true,
                      .vlan_id = 100,
                      .lower_index = 2};
  EXPECT_EQ(*link, expected);
}

TEST(ParseLink, ReadsWhichTagAVlanInterfaceWrites) {
  for (const std::uint16_t protocol : {std::uint16_t{0x8100}, std::uint16_t{0x88a8}}) {
    const Build build = vlan_link(protocol);
    EXPECT_EQ(parse_link(build.header())->vlan_protocol, protocol);
  }
  const Build older = vlan_link();
  EXPECT_EQ(parse_link(older.header())->vlan_protocol, 0x8100) << "the kernel before Linux 3.10";
}

TEST(ParseLink, DoesNotFollowALowerLinkInAnotherNamespace) {
  Build build = vlan_link();
  build.put(IFLA_LINK_NETNSID, std::int32_t{0});
  EXPECT_FALSE(parse_link(build.header())->vlan_id);
}

TEST(ParseLink, PeerOfAVethIsNotALowerLink) {
  Build build(RTM_NEWLINK, link_header(7, 0));
  build.put(IFLA_IFNAME, "veth0")
      .put(IFLA_LINK, std::uint32_t{8})
      .nest(IFLA_LINKINFO, [](Build& b) { b.put(IFLA_INFO_KIND, "veth"); });
  const auto link = parse_link(build.header());
  ASSERT_TRUE(link);
  EXPECT_EQ(link->lower_index, 0);
  EXPECT_FALSE(link->up);
}

TEST(ParseLink, AddressOfAnotherKindOfLinkIsNoMac) {
  ifinfomsg header = link_header(7);
  header.ifi_type = ARPHRD_TUNNEL6;
  Build build(RTM_NEWLINK, header);
  build.put(IFLA_ADDRESS, kLinkMac.bytes);
  EXPECT_FALSE(parse_link(build.header())->mac);
}

TEST(ParseLink, RefusesBridgePorts) {
  ifinfomsg header = link_header(7);
  header.ifi_family = AF_BRIDGE;
  EXPECT_FALSE(parse_link(Build(RTM_NEWLINK, header).header()));
}

ndmsg neighbour_header() {
  ndmsg header{};
  header.ndm_family = AF_INET;
  header.ndm_ifindex = 3;
  header.ndm_state = NUD_REACHABLE;
  return header;
}

TEST(ParseNeighbour, ReadsAManagedEntry) {
  Build build(RTM_NEWNEIGH, neighbour_header());
  build.put(NDA_DST, ip("10.0.0.1"))
      .put(NDA_LLADDR, kLinkMac.bytes)
      .put(NDA_FLAGS_EXT, std::uint32_t{NTF_EXT_MANAGED});
  const auto neighbour = parse_neighbour(build.header());
  ASSERT_TRUE(neighbour);
  const Neighbour expected{
      .key = {3, ip("10.0.0.1")}, .state = NUD_REACHABLE, .mac = kLinkMac, .managed = true};
  EXPECT_EQ(*neighbour, expected);
}

TEST(ParseNeighbour, EntryWithoutMacHasNone) {
  Build build(RTM_NEWNEIGH, neighbour_header());
  build.put(NDA_DST, ip("10.0.0.1"));
  EXPECT_FALSE(parse_neighbour(build.header())->mac);
}

TEST(ParseNeighbour, RefusesBridgeEntriesProxiesAndOddAddresses) {
  ndmsg header = neighbour_header();
  header.ndm_family = AF_BRIDGE;
  EXPECT_FALSE(parse_neighbour(Build(RTM_NEWNEIGH, header).put(NDA_DST, ip("10.0.0.1")).header()));
  header = neighbour_header();
  header.ndm_flags = NTF_PROXY;
  EXPECT_FALSE(parse_neighbour(Build(RTM_NEWNEIGH, header).put(NDA_DST, ip("10.0.0.1")).header()));
  header = neighbour_header();
  EXPECT_FALSE(parse_neighbour(Build(RTM_NEWNEIGH, header).header()));
  EXPECT_FALSE(
      parse_neighbour(Build(RTM_NEWNEIGH, header).put(NDA_DST, std::uint16_t{1}).header()));
}

rtmsg route_header(unsigned char type = RTN_UNICAST) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = 32;
  header.rtm_type = type;
  return header;
}

TEST(ParseRoute, ReadsGatewaySourceAndMtu) {
  Build build(RTM_NEWROUTE, route_header());
  build.put(RTA_OIF, std::uint32_t{3})
      .put(RTA_GATEWAY, ip("10.0.0.254"))
      .put(RTA_PREFSRC, ip("10.0.0.1"))
      .nest(RTA_METRICS, [](Build& metrics) { metrics.put(RTAX_MTU, std::uint32_t{1400}); });
  const Route expected{.kind = Route::Kind::kLink,
                       .link = 3,
                       .gateway = ip("10.0.0.254"),
                       .preferred_source = ip("10.0.0.1"),
                       .mtu = 1400};
  EXPECT_EQ(parse_route(build.header()), expected);
}

TEST(ParseRoute, ReadsAnIpv6GatewayOfAnIpv4Route) {
  struct {
    std::uint16_t family = AF_INET6;
    std::array<std::uint8_t, 16> address = ip("fe80::1").bytes();
  } via;
  Build build(RTM_NEWROUTE, route_header());
  build.put(RTA_OIF, std::uint32_t{3}).put(RTA_VIA, via);
  EXPECT_EQ(parse_route(build.header()).gateway, ip("fe80::1"));
}

TEST(ParseRoute, TellsLocalFromNone) {
  EXPECT_EQ(parse_route(Build(RTM_NEWROUTE, route_header(RTN_LOCAL)).header()).kind,
            Route::Kind::kLocal);
  for (const unsigned char type : {RTN_UNREACHABLE, RTN_BLACKHOLE, RTN_BROADCAST, RTN_UNICAST}) {
    EXPECT_EQ(parse_route(Build(RTM_NEWROUTE, route_header(type)).header()).kind,
              Route::Kind::kNone);
  }
}

TEST(ParseRoute, PrefixOfTheDefaultRouteIsTheWholeFamily) {
  rtmsg header = route_header();
  header.rtm_dst_len = 0;
  EXPECT_EQ(parse_route_prefix(Build(RTM_NEWROUTE, header).header())->to_string(), "0.0.0.0/0");
  header.rtm_family = AF_INET6;
  EXPECT_EQ(parse_route_prefix(Build(RTM_NEWROUTE, header).header())->to_string(), "::/0");
  header.rtm_family = AF_INET;
  header.rtm_dst_len = 16;
  EXPECT_EQ(parse_route_prefix(Build(RTM_DELROUTE, header).put(RTA_DST, ip("10.1.0.0")).header())
                ->to_string(),
            "10.1.0.0/16");
}

TEST(ParseAddress, ReadsOwnAddress) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = 32;
  header.ifa_index = 1;
  Build build(RTM_NEWADDR, header);
  build.put(IFA_ADDRESS, ip("10.0.0.2")).put(IFA_LOCAL, ip("10.0.0.1"));
  EXPECT_EQ(*parse_address(build.header()),
            (InterfaceAddress{1, IpPrefix::parse("10.0.0.1/32").value()}));
}

TEST(Parse, EveryTruncationIsRefusedOrHarmless) {
  const Build built = vlan_link();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&built.header());
  for (std::size_t size = sizeof(nlmsghdr); size < built.header().nlmsg_len; ++size) {
    // Exactly as large as it says, so that a read past the end is found by the sanitizers.
    std::vector<std::uint8_t> cut(bytes, bytes + size);
    const auto length = static_cast<std::uint32_t>(size);
    std::memcpy(cut.data(), &length, sizeof length);
    const auto& header = *reinterpret_cast<const nlmsghdr*>(cut.data());
    const auto link = parse_link(header);
    EXPECT_EQ(link.has_value(), size >= sizeof(nlmsghdr) + sizeof(ifinfomsg)) << size;
    EXPECT_FALSE(link && link->vlan_id) << size;
    parse_neighbour(header);
    parse_route(header);
    parse_route_prefix(header);
    parse_address(header);
  }
}

}  // namespace
}  // namespace guideway::netlink
