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

const Sources kOneSource = {{"b1", "192.0.2.2"}};

TEST(BackendNeeds, L2DsrIsTheVipAndSilenceAboutIt) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("l2dsr"), {}),
              ElementsAre("ip address add 203.0.113.10/32 dev lo",
                          "sysctl -w net.ipv4.conf.all.arp_ignore=1 "
                          "net.ipv4.conf.all.arp_announce=2"));
  EXPECT_THAT(backend_commands(service("2001:db8::10"), pool("l2dsr"), {}),
              ElementsAre("ip address add 2001:db8::10/128 dev lo"));
}

TEST(BackendNeeds, NatIsNothing) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("nat"), {}), ElementsAre());
}

TEST(BackendNeeds, ToaIsAModuleThatReadsIt) {
  Json with_toa = pool("nat");
  with_toa["toa"] = true;
  EXPECT_THAT(backend_commands(service("203.0.113.10"), with_toa, {}),
              ElementsAre(StartsWith("modprobe toa  # a module that reads TCP option 254: ")));
  EXPECT_THAT(backend_commands(service("2001:db8::10"), with_toa, {}),
              ElementsAre(HasSubstr("option 253")));
  Json udp = service("203.0.113.10");
  udp["protocol"] = "udp";
  EXPECT_THAT(backend_commands(udp, with_toa, {}), ElementsAre());
}

TEST(BackendNeeds, IpipIsEndedByTheDecapsulator) {
  const auto lines = backend_commands(service("203.0.113.10"), pool("ipip"), kOneSource);
  EXPECT_THAT(lines, Contains("OWN=10.0.0.11  # on b1"));
  EXPECT_THAT(lines, Contains("guideway-decap attach $DEV --tunnels ipip --from 192.0.2.2 --vip "
                              "203.0.113.10"));
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("ipip"), {}),
              Contains(HasSubstr("--from DIRECTOR ")))
      << "nobody knows the source";
}

TEST(BackendNeeds, GreAndGueAreEndedByTheDecapsulator) {
  EXPECT_THAT(backend_commands(service("203.0.113.10"), pool("gre"), kOneSource),
              Contains("guideway-decap attach $DEV --tunnels gre --from 192.0.2.2 --vip "
                       "203.0.113.10"));
  Json gue = pool("gue");
  gue["gue"] = {{"port", 6666}};
  EXPECT_THAT(backend_commands(service("203.0.113.10"), gue, kOneSource),
              Contains("guideway-decap attach $DEV --tunnels gue --gue-port 6666 --from 192.0.2.2 "
                       "--vip 203.0.113.10"));
}

TEST(BackendNeeds, VxlanIsEndedByTheKernelsDevice) {
  Json vxlan = pool("vxlan", "2001:db8::11");
  vxlan["vxlan"] = {{"vni", 100}, {"inner_mac", "02:67:77:00:00:01"}};
  EXPECT_THAT(backend_commands(service("203.0.113.10"), vxlan, {}),
              Contains("ip link add vxlan100 address 02:67:77:00:00:01 type vxlan id 100 dstport "
                       "4789 local $OWN nolearning udp6zerocsumrx"));
}

TEST(BackendNeeds, ManyBackendsAreNamedInOneLine) {
  Json many = pool("ipip");
  for (int i = 2; i <= 20; i++)
    many["backends"].push_back(
        {{"name", "b" + std::to_string(i)}, {"address", "10.0.0." + std::to_string(10 + i)}});
  const auto lines = backend_commands(service("203.0.113.10"), many, {});
  EXPECT_THAT(lines, Contains(StartsWith("OWN=10.0.0.11  # on b1; 10.0.0.12 on b2; ")));
  EXPECT_THAT(lines, Contains(HasSubstr("10.0.0.18 on b8; and so on")));
}

/// What the daemon says of a pool whose backends run, by name and source.
std::string running(const Json& config, const Sources& sources) {
  Json status = {{"name", "web"}, {"backends", Json::array()}};
  for (const auto& [name, source] : sources)
    status["backends"].push_back(
        {{"name", name}, {"state", "enabled"}, {"home", ""}, {"outer_source", source}});
  status["backends"].push_back(
      {{"name", "b1"}, {"state", "removed"}, {"home", ""}, {"outer_source", "192.0.2.9"}});
  status["backends"].push_back(
      {{"name", "b1"}, {"state", "enabled"}, {"home", "spare"}, {"outer_source", "192.0.2.9"}});
  return json_line({{"revision", 1}, {"pool", {{"config", config}, {"status", status}}}});
}

std::vector<std::string> needs_of(const std::string& answer) {
  FakeDaemon daemon;
  daemon.answer("GET /v1/pools/web", answer);
  const Daemon asked({daemon.socket()}, {daemon.socket()});
  const auto needs = backend_needs(asked, service("203.0.113.10"));
  EXPECT_TRUE(needs) << needs.error().message;
  return needs.value_or(std::vector<std::string>{});
}

TEST(BackendNeeds, TheSourceIsWhatIsSentFromWhateverTheScheduler) {
  Json by_turn = pool("ipip");
  by_turn["scheduler"] = "round_robin";
  EXPECT_THAT(needs_of(running(by_turn, {{"b1", "192.0.2.2"}})),
              Contains(HasSubstr("--from 192.0.2.2 ")));
  EXPECT_THAT(needs_of(running(by_turn, {{"b1", ""}})), Contains(HasSubstr("--from DIRECTOR ")))
      << "nothing can be sent";
  by_turn["source"] = "192.0.2.3";
  EXPECT_THAT(needs_of(running(by_turn, {{"b1", ""}})), Contains(HasSubstr("--from 192.0.2.3 ")));
  EXPECT_THAT(needs_of(json_line({{"pool", {{"config", pool("gre")}, {"status", nullptr}}}})),
              Contains(HasSubstr("--from DIRECTOR ")))
      << "it does not run yet";
}

TEST(BackendNeeds, EachBackendIsToldItsOwnSource) {
  Json two = pool("gue");
  two["backends"].push_back({{"name", "b2"}, {"address", "10.0.1.12"}});
  const auto lines = needs_of(running(two, {{"b1", "192.0.2.2"}, {"b2", "198.51.100.2"}}));
  EXPECT_THAT(lines, Contains("FROM=192.0.2.2  # on b1; 198.51.100.2 on b2"));
  EXPECT_THAT(lines, Contains(HasSubstr("--from $FROM --vip 203.0.113.10")));
}

}  // namespace
}  // namespace guideway::cli
