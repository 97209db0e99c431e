// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_set>

namespace guideway::base {
namespace {

using ::testing::HasSubstr;

TEST(IpAddress, TextRoundTripsInItsCanonicalForm) {
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"10.0.0.1", "10.0.0.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      // RFC 5952 section 4.2: the longest run is shortened, a single group is not.
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
  };
  for (const auto& c : cases) {
    const auto address = IpAddress::parse(c.text);
    ASSERT_TRUE(address) << c.text;
    EXPECT_EQ(address->to_string(), c.canonical);
    EXPECT_EQ(IpAddress::parse(address->to_string()), address);
  }
}

TEST(IpAddress, RefusesWhatIsNotExactlyAnAddress) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, " 10.0.0.1"sv, "10.0.0.1 "sv, "10.0.0.1\0x"sv, "10.0.0"sv, "10.0.0.256"sv,
        "10.0.0.01"sv, "10.0.0.1/24"sv, "fe80::1%eth0"sv, "::g"sv, "1::2::3"sv, "web"sv}) {
    const auto address = IpAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_THAT(address.error().message, HasSubstr("is not an IP address"));
  }
  EXPECT_FALSE(IpAddress::parse(std::string(100'000, '1')));
}

TEST(IpAddress, RefusesIpv4InIpv6Form) {
  const auto address = IpAddress::parse("::ffff:10.0.0.1");
  ASSERT_FALSE(address);
  EXPECT_THAT(address.error().message, HasSubstr("write the IPv4 address"));
}

TEST(IpAddress, FromBytesTakesFourOrSixteen) {
  const std::array<std::uint8_t, 16> bytes = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
                                              0,    0, 0,    0,    0, 0, 0, 7};
  EXPECT_EQ(IpAddress::from_bytes(bytes.data(), 4)->to_string(), "32.1.13.184");
  EXPECT_EQ(IpAddress::from_bytes(bytes.data(), 16)->to_string(), "2001:db8::7");
  EXPECT_FALSE(IpAddress::from_bytes(bytes.data(), 6));
}

TEST(IpAddress, KnowsItsKind) {
  const struct {
    const char* text;
    bool unspecified, loopback, multicast, link_local;
  } cases[] = {
      {"0.0.0.0", true, false, false, false},     {"::", true, false, false, false},
      {"127.8.9.1", false, true, false, false},   {"::1", false, true, false, false},
      {"224.0.0.1", false, false, true, false},   {"239.1.2.3", false, false, true, false},
      {"240.0.0.1", false, false, false, false},  {"ff02::1", false, false, true, false},
      {"169.254.1.1", false, false, false, true}, {"fe80::1", false, false, false, true},
      {"febf::1", false, false, false, true},     {"fec0::1", false, false, false, false},
      {"10.0.0.1", false, false, false, false},   {"2001:db8::1", false, false, false, false},
      {"1::1", false, false, false, false},
  };
  for (const auto& c : cases) {
    const auto address = IpAddress::parse(c.text);
    ASSERT_TRUE(address) << c.text;
    EXPECT_EQ(address->is_unspecified(), c.unspecified) << c.text;
    EXPECT_EQ(address->is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(address->is_multicast(), c.multicast) << c.text;
    EXPECT_EQ(address->is_link_local(), c.link_local) << c.text;
  }
}

TEST(IpAddress, FamiliesDifferEvenWithEqualBytes) {
  const IpAddress v4 = IpAddress::v4({0, 0, 0, 0});
  const IpAddress v6 = IpAddress::v6({});
  EXPECT_NE(v4, v6);
  EXPECT_EQ(v4.size(), 4u);
  EXPECT_EQ(v6.size(), 16u);
  EXPECT_NE(std::hash<IpAddress>{}(v4), std::hash<IpAddress>{}(v6));
}

TEST(IpAddress, HashesOfNeighboursDiffer) {
  std::unordered_set<std::size_t> hashes;
  for (int i = 0; i < 65536; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8);
    const auto low = static_cast<std::uint8_t>(i);
    hashes.insert(std::hash<IpAddress>{}(IpAddress::v4({10, 0, high, low})));
  }
  EXPECT_EQ(hashes.size(), 65536u);
}

TEST(IpPrefix, ParsesAndKeepsHostBits) {
  const auto prefix = IpPrefix::parse("198.51.100.2/24");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->length, 24);
  EXPECT_EQ(prefix->to_string(), "198.51.100.2/24");
  EXPECT_EQ(IpPrefix::parse("2001:db8::1/128")->to_string(), "2001:db8::1/128");
}

TEST(IpPrefix, RefusesBadLengths) {
  for (const char* text : {"10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/2x",
                           "2001:db8::1/129", "/24", "10.0.0.1/99999999999"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(IpPrefix, ContainsItsNetwork) {
  const struct {
    const char* prefix;
    const char* address;
    bool inside;
  } cases[] = {
      {"10.0.0.0/8", "10.255.0.1", true},       {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.129/25", "10.0.0.128", true},    {"10.0.0.129/25", "10.0.0.127", false},
      {"0.0.0.0/0", "203.0.113.1", true},       {"0.0.0.0/0", "::", false},
      {"10.0.0.1/32", "10.0.0.1", true},        {"10.0.0.1/32", "10.0.0.0", false},
      {"2001:db8::/33", "2001:db8::1", true},   {"2001:db8::/33", "2001:db8:8000::1", false},
      {"2001:db8::1/128", "2001:db8::1", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(IpPrefix::parse(c.prefix)->contains(*IpAddress::parse(c.address)), c.inside)
        << c.prefix << " " << c.address;
  }
}

TEST(Endpoint, RoundTrips) {
  for (const char* text : {"127.0.0.1:9641", "[::1]:80", "0.0.0.0:0"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(Endpoint, RefusesOtherForms) {
  for (const char* text : {"", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:80x",
                           "::1:80", "[::1]80", "[10.0.0.1]:80", "[]:80", "localhost:80"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(Mac, RoundTrips) {
  const auto mac = Mac::parse("02:67:77:00:aB:01");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->to_string(), "02:67:77:00:ab:01");
  EXPECT_FALSE(mac->is_zero());
  EXPECT_TRUE(Mac{}.is_zero());
}

TEST(Mac, RefusesOtherForms) {
  for (const char* text :
       {"", "02:67:77:00:00", "02:67:77:00:00:01:02", "02-67-77-00-00-01", "0267.7700.0001",
        "02:67:77:00:00:0g", "02:67:77:00:00: 1", "02:67:77:00:00:+1", "2:67:77:00:00:001"}) {
    EXPECT_FALSE(Mac::parse(text)) << text;
  }
}

}  // namespace
}  // namespace guideway::base
