// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "tests/support/rounds.h"

namespace guideway::pktgen {
namespace {

const IpAddress kVip4 = IpAddress::v4({203, 0, 113, 10});
const IpAddress kVip6 = IpAddress::parse("2001:db8:203::10").value();

FlowSpace space_of(std::uint64_t seed, std::vector<IpAddress> vips = {kVip4}) {
  return {seed, std::move(vips), 80, Protocol::kTcp};
}

/// Host and port, which have to differ between any two flows.
std::uint64_t place_of(const Flow& flow) {
  const auto& bytes = flow.source.bytes();
  const std::size_t last = flow.source.size() - 4;
  std::uint64_t host = 0;
  for (std::size_t i = last; i < last + 4; i++) host = host << 8 | bytes[i];
  return (host & 0x1ffff) << 16 | flow.source_port;
}

std::size_t different_flows(const FlowSpace& space, std::uint32_t first, std::uint32_t count) {
  std::vector<std::uint64_t> places;
  for (std::uint32_t i = first; i < first + count; i++) places.push_back(place_of(space.flow(i)));
  std::sort(places.begin(), places.end());
  return static_cast<std::size_t>(std::unique(places.begin(), places.end()) - places.begin());
}

TEST(Flows, AreAllDifferent) {
  const auto count = static_cast<std::uint32_t>(guideway::test::rounds(20'000, 100'000));
  for (const std::uint64_t seed : {0u, 1u, 12345u}) {
    EXPECT_EQ(different_flows(space_of(seed), 0, count), count);
    EXPECT_EQ(different_flows(space_of(seed), kMostFlows - count, count), count);
    EXPECT_EQ(different_flows(space_of(seed, {kVip4, kVip6}), 0, count), count);
  }
}

TEST(Flows, AreAFunctionOfSeedAndIndex) {
  const FlowSpace one = space_of(1, {kVip4, kVip6});
  const FlowSpace same = space_of(1, {kVip4, kVip6});
  const FlowSpace other = space_of(2, {kVip4, kVip6});
  int equal = 0;
  for (std::uint32_t i = 0; i < 1000; i++) {
    EXPECT_EQ(one.flow(i), same.flow(i));
    equal += one.flow(i) == other.flow(i) ? 1 : 0;
  }
  EXPECT_LE(equal, 1);
}

TEST(Flows, ComeFromTheAddressesForBenchmarks) {
  const FlowSpace space = space_of(1, {kVip4, kVip6});
  const auto prefix4 = IpPrefix::parse("198.18.0.0/15").value();
  const auto prefix6 = IpPrefix::parse("2001:2::/48").value();
  for (std::uint32_t i = 0; i < 10'000; i++) {
    const Flow flow = space.flow(i);
    EXPECT_TRUE((flow.source.is_v4() ? prefix4 : prefix6).contains(flow.source));
    EXPECT_TRUE(FlowSpace::is_client(flow.source.family(), flow.source.bytes().data()));
    EXPECT_GE(flow.source_port, FlowSpace::kFirstPort);
    EXPECT_EQ(flow.destination_port, 80);
  }
  EXPECT_FALSE(FlowSpace::is_client(Family::kIpv4, kVip4.bytes().data()));
  EXPECT_FALSE(FlowSpace::is_client(Family::kIpv6, kVip6.bytes().data()));
}

TEST(Flows, GoToAllVipsInEqualShares) {
  const FlowSpace space = space_of(1, {kVip4, kVip6});
  std::map<IpAddress, int> count;
  for (std::uint32_t i = 0; i < 1000; i++) count[space.flow(i).destination]++;
  EXPECT_EQ(count, (std::map<IpAddress, int>{{kVip4, 500}, {kVip6, 500}}));
  EXPECT_EQ(space.family(0), Family::kIpv4);
  EXPECT_EQ(space.family(1), Family::kIpv6);
}

/// Chi-squared of counts that should be alike; its mean is count - 1, its deviation sqrt(2 count).
double chi_squared(const std::vector<int>& counts) {
  double sum = 0;
  for (const int count : counts) sum += count;
  const double mean = sum / static_cast<double>(counts.size());
  double total = 0;
  for (const int count : counts) total += (count - mean) * (count - mean) / mean;
  return total;
}

TEST(Flows, AreSpreadEvenlyOverAddressesAndPorts) {
  // The first flows too, whose numbers differ in few bits.
  const FlowSpace space = space_of(3);
  std::vector<int> low_bytes(256);
  std::vector<int> high_bytes(512);
  std::vector<int> ports(63);
  for (std::uint32_t i = 0; i < 63'000; i++) {
    const Flow flow = space.flow(i);
    const auto& bytes = flow.source.bytes();
    low_bytes[bytes[3]]++;
    high_bytes[(bytes[1] & 1u) << 8 | bytes[2]]++;
    ports[(flow.source_port - 1024u) / 1024]++;
  }
  for (const auto& counts : {low_bytes, high_bytes, ports}) {
    const auto size = static_cast<double>(counts.size());
    EXPECT_NEAR(chi_squared(counts), size - 1, 5 * std::sqrt(2 * size)) << size << " cells";
  }
}

}  // namespace
}  // namespace guideway::pktgen
