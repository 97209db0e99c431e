// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/default_route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guideway::netlink {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<KernelLink> kLinks = {
    {1, "lo", 0, 0},     {2, "eth0", 10, 0}, {3, "eth1", 0, 0},      {4, "eth2", 11, 0},
    {10, "bond0", 0, 0}, {11, "br0", 0, 0},  {12, "bond0.7", 0, 10}, {13, "eth1.9", 0, 3},
};

TEST(DefaultRoute, NobodyCarriesOneWithoutOne) {
  EXPECT_THAT(carriers_of_default_route({kLinks, {}}), IsEmpty());
}

TEST(DefaultRoute, ItsInterfaceCarriesIt) {
  EXPECT_THAT(carriers_of_default_route({kLinks, {3}}), ElementsAre("eth1"));
}

TEST(DefaultRoute, SoDoesWhatIsBelowIt) {
  EXPECT_THAT(carriers_of_default_route({kLinks, {11}}), ElementsAre("br0", "eth2"));
  EXPECT_THAT(carriers_of_default_route({kLinks, {12}}), ElementsAre("bond0", "bond0.7", "eth0"));
}

TEST(DefaultRoute, WhatIsAboveIsNotWhatCarriesIt) {
  EXPECT_THAT(carriers_of_default_route({kLinks, {3}}), testing::Not(Contains("eth1.9")));
}

TEST(DefaultRoute, TheKernelOfThisTestIsReadable) {
  const auto network = read_kernel_network();
  ASSERT_TRUE(network) << network.error().message;
  std::vector<std::string> names;
  for (const KernelLink& link : network->links) names.push_back(link.name);
  EXPECT_THAT(names, Contains("lo"));
}

TEST(DeviceNames, AreTheNameAndAllValues) {
  EXPECT_THAT(names_in_device("vdev:net_af_packet0,iface=eth0,qpairs=1"),
              ElementsAre("net_af_packet0", "iface", "eth0", "qpairs", "1"));
  EXPECT_THAT(names_in_device("pci:0000:3b:00.0"), ElementsAre("0000:3b:00.0"));
  EXPECT_THAT(names_in_device("vdev:net_failsafe0,dev(net_tap0,remote=eth3)"), Contains("eth3"));
}

}  // namespace
}  // namespace guideway::netlink
