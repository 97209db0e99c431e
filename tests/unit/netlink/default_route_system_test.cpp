// SPDX-License-Identifier: Apache-2.0
// Default routes on a real kernel, and the DPDK devices that would take them away.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "guideway/netlink/default_route.h"
#include "netns.h"

namespace guideway::netlink {
namespace {

std::optional<std::string> found_in(const test::Netns& host, const std::string& device) {
  std::optional<std::string> carrier;
  host.run([&] {
    const auto found = default_route_of(device);
    ASSERT_TRUE(found) << found.error().message;
    carrier = *found;
  });
  return carrier;
}

TEST(DefaultRouteSystem, WhoeverTakesItsInterfaceIsFound) {
  const test::Netns host;
  host.sh(
      "ip link add eth0 type veth peer name far0; ip link add eth1 type veth peer name far1;"
      " ip link add br0 type bridge; ip link set eth1 master br0;"
      " for i in eth0 far0 eth1 far1 br0; do ip link set $i up; done;"
      " ip address add 192.0.2.2/24 dev eth0; ip route add default via 192.0.2.1");
  for (const char* device :
       {"vdev:net_af_xdp0,iface=eth0", "vdev:net_af_packet0,iface=eth0,qpairs=1",
        "vdev:net_failsafe0,dev(net_tap0,remote=eth0)"})
    EXPECT_EQ(found_in(host, device), "eth0") << device;
  for (const char* device :
       {"vdev:net_af_xdp0,iface=eth1", "vdev:net_tap0,iface=cable0", "pci:0000:3b:00.0"})
    EXPECT_EQ(found_in(host, device), std::nullopt) << device;
  host.sh(
      "ip route del default; ip address add 198.51.100.2/24 dev br0;"
      " ip route add default via 198.51.100.1 table 7");
  EXPECT_EQ(found_in(host, "vdev:net_af_xdp0,iface=eth0"), std::nullopt);
  EXPECT_EQ(found_in(host, "vdev:net_af_xdp0,iface=eth1"), "eth1") << "a member of the bridge";
}

}  // namespace
}  // namespace guideway::netlink
