// SPDX-License-Identifier: Apache-2.0
// What a backend needs for each mode; docs/decapsulator.md and tools/guideway_lab say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend_needs.h"
#include "fake_daemon.h"

namespace guideway::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Json service(const std::string& address) {
  return {{"name", "web"}, {"address", address}, {"port", 80}, {"pool", "web"}};
}

Json pool(const std::string& forwarding, const std::string& address = "10.0.0.11") {
  return {{"name", "web"},
          {"forwarding", forwarding},
          {"backends", {{{"name", "b1"}, {"address", address}}}}};
}

TEST(BackendNeeds, L2DsrIsTheVipAndSilenceAboutIt) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("l2dsr"), ""),
              ElementsAre("ip address add 203.0.113.10/32 dev lo",
                          "sysctl -w net.ipv4.conf.all.arp_ignore=1 "
                          "net.ipv4.conf.all.arp_announce=2"));
  EXPECT_THAT(backend_commands(service("2001:db8::10"), pool("l2dsr"), ""),
              ElementsAre("ip address add 2001:db8::10/128 dev lo"));
}

TEST(BackendNeeds, NatIsNothing) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("nat"), ""), ElementsAre());
}

TEST(BackendNeeds, IpipIsEndedByTheDecapsulator) {
  const auto lines = backend_commands(service("203.0.113.10"), pool("ipip"), "192.0.2.2");
  EXPECT_THAT(lines, Contains("OWN=10.0.0.11  # on b1"));
  EXPECT_THAT(lines, Contains("guideway-decap attach $DEV --tunnels ipip --from 192.0.2.2 --vip "
                              "203.0.113.10"));
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("ipip"), ""),
              Contains(HasSubstr("--from DIRECTOR ")))
      << "nobody knows the source";
}

TEST(BackendNeeds, GreAndGueAreEndedByTheDecapsulator) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("gre"), "192.0.2.2"),
              Contains("guideway-decap attach $DEV --tunnels gre --from 192.0.2.2 --vip "
                       "203.0.113.10"));
  Json gue = pool("gue");
  gue["gue"] = {{"port", 6666}};
  EXPECT_THAT(backend_commands(service("203.0.113.10"), gue, "192.0.2.2"),
              Contains("guideway-decap attach $DEV --tunnels gue --gue-port 6666 --from 192.0.2.2 "
                       "--vip 203.0.113.10"));
}

TEST(BackendNeeds, VxlanIsEndedByTheKernelsDevice) {
  Json vxlan = pool("vxlan", "2001:db8::11");
  vxlan["vxlan"] = {{"vni", 100}, {"inner_mac", "02:67:77:00:00:01"}};
  EXPECT_THAT(backend_commands(service("203.0.113.10"), vxlan, ""),
              Contains("ip link add vxlan100 address 02:67:77:00:00:01 type vxlan id 100 dstport "
                       "4789 local $OWN nolearning udp6zerocsumrx"));
}

TEST(BackendNeeds, ManyBackendsAreNamedInOneLine) {
  Json many = pool("ipip");
  for (int i = 2; i <= 20; i++)
    many["backends"].push_back(
        {{"name", "b" + std::to_string(i)}, {"address", "10.0.0." + std::to_string(10 + i)}});
  const auto lines = backend_commands(service("203.0.113.10"), many, "192.0.2.2");
  EXPECT_THAT(lines, Contains(StartsWith("OWN=10.0.0.11  # on b1; 10.0.0.12 on b2; ")));
  EXPECT_THAT(lines, Contains(HasSubstr("10.0.0.18 on b8; and so on")));
}

TEST(OuterSource, IsReadFromTheHeader) {
  const std::string ethernet = "0200000000010200000000020800";
  const std::string ipv4 = "450000000000400040040000c0000202c0000203";
  EXPECT_EQ(outer_source(ethernet + ipv4), "192.0.2.2");
  EXPECT_EQ(outer_source("0200000000010200000000028100000a0800" + ipv4), "192.0.2.2") << "tagged";
  EXPECT_EQ(outer_source("02000000000102000000000286dd6000000000000440"
                         "20010db8000000000000000000000002"
                         "20010db8000000000000000000000003"),
            "2001:db8::2");
  EXPECT_EQ(outer_source(ethernet), "") << "l2dsr has no outer IP header";
  EXPECT_EQ(outer_source(ethernet + ipv4.substr(0, 30)), "");
  EXPECT_EQ(outer_source(""), "");
  EXPECT_EQ(outer_source("no header"), "");
}

TEST(BackendNeeds, TheSourceIsWhatWouldBeWrittenNow) {
  FakeDaemon daemon;
  daemon.answer("GET /v1/pools/web",
                json_line({{"revision", 1}, {"pool", {{"config", pool("ipip")}}}}));
  daemon.answer("GET /v1/explain?protocol=tcp&source=192.0.2.1:40000&destination=203.0.113.10:80",
                R"({"explain": {"verdict": "forward", "header":
                   "0200000000010200000000020800450000000000400040040000c0000202c0000203"}})");
  const Daemon asked({daemon.socket()}, {daemon.socket()});
  const auto needs = backend_needs(asked, service("203.0.113.10"));
  ASSERT_TRUE(needs) << needs.error().message;
  EXPECT_THAT(*needs, Contains(HasSubstr("--from 192.0.2.2 ")));
}

}  // namespace
}  // namespace guideway::cli
