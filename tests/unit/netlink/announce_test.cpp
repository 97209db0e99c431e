// SPDX-License-Identifier: Apache-2.0
// Expected frames are scapy's: Ether()/ARP(op=1, psrc=pdst=VIP) and
// Ether()/IPv6(hlim=255)/ICMPv6ND_NA(R=0, S=0, O=1)/ICMPv6NDOptDstLLAddr().
#include "guideway/netlink/announce.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace guideway::netlink {
namespace {

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  char two[3];
  for (const std::uint8_t byte : bytes) {
    snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

const Mac kMac{{0x02, 0x67, 0x77, 0x00, 0x00, 0x01}};

TEST(Announcement, Ipv4IsABroadcastArpRequestForItself) {
  EXPECT_EQ(hex(announcement(IpAddress::parse("203.0.113.10").value(), kMac)),
            "ffffffffffff02677700000108060001080006040001026777000001cb00710a000000000000cb00"
            "710a");
}

TEST(Announcement, Ipv6IsAnUnsolicitedOverridingAdvertisement) {
  EXPECT_EQ(hex(announcement(IpAddress::parse("2001:db8::10").value(), kMac)),
            "33330000000102677700000186dd6000000000203aff20010db8000000000000000000000010ff02"
            "0000000000000000000000000001880081a52000000020010db80000000000000000000000100201"
            "026777000001");
}

}  // namespace
}  // namespace guideway::netlink
