// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/remarks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guideway::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Model tunnel(DatapathKind datapath, const char* device, const char* vip = "203.0.113.10") {
  Model model;
  model.director.datapath = datapath;
  model.interfaces.push_back({"wan", device, {}});
  model.pools.resize(2);
  model.pools[0].name = "web";
  model.pools[0].forwarding = Forwarding::kIpip;
  model.pools[1].name = "dns";
  model.services.resize(1);
  model.services[0].address = IpAddress::parse(vip).value();
  model.services[0].pool = "web";
  return model;
}

TEST(Remarks, SaysWhereNothingFragments) {
  const auto about = [](const char* words) {
    return ElementsAre(AllOf(HasSubstr("director.on_too_big: "), HasSubstr(words)));
  };
  EXPECT_THAT(remarks(tunnel(DatapathKind::kXdp, "eth1")), about("\"xdp\" cannot"));
  EXPECT_THAT(remarks(tunnel(DatapathKind::kAfxdp, "eth1")), about("while no worker runs"));
  EXPECT_THAT(remarks(tunnel(DatapathKind::kAuto, "eth1")), about("may become \"xdp\""));
}

TEST(Remarks, NothingOfWhatCannotHappenOrIsKnown) {
  EXPECT_THAT(remarks(tunnel(DatapathKind::kDpdk, "pci:0000:3b:00.0")), IsEmpty());
  EXPECT_THAT(remarks(tunnel(DatapathKind::kAuto, "pci:0000:3b:00.0")), IsEmpty());
  EXPECT_THAT(remarks(tunnel(DatapathKind::kXdp, "eth1", "2001:db8::1")), IsEmpty());
  Model model = tunnel(DatapathKind::kXdp, "eth1");
  model.services[0].pool = "dns";
  EXPECT_THAT(remarks(model), IsEmpty());
  model.services[0].pool = "web";
  EXPECT_THAT(remarks(model), ::testing::SizeIs(1));
  model.director.on_too_big = OnTooBig::kDrop;
  EXPECT_THAT(remarks(model), IsEmpty());
}

/// Pools "told", with toa, and "plain": one host each, for a service over TCP each.
Model with_toa(const char* host_of_plain) {
  Model model;
  model.pools.resize(2);
  model.services.resize(2);
  const char* hosts[] = {"10.0.0.1", host_of_plain};
  for (const std::size_t i : {0, 1}) {
    model.pools[i].name = i == 0 ? "told" : "plain";
    model.pools[i].forwarding = Forwarding::kNat;
    model.pools[i].toa = i == 0;
    model.pools[i].backends = {{.name = "b", .address = IpAddress::parse(hosts[i]).value()}};
    model.services[i].pool = model.pools[i].name;
  }
  return model;
}

TEST(Remarks, SaysWhereClientsCanMakeUpTheirAddressForAToaModule) {
  const auto about_plain = ElementsAre(HasSubstr("pool[1].toa: host 10.0.0.1 is also"));
  EXPECT_THAT(remarks(with_toa("10.0.0.1")), about_plain);
  Model other_port = with_toa("10.0.0.1");
  other_port.pools[1].backends[0].port = 8080;
  EXPECT_THAT(remarks(other_port), about_plain) << "a module is for all ports of its host";
  EXPECT_THAT(remarks(with_toa("10.0.0.2")), IsEmpty());
  Model helped = with_toa("10.0.0.2");
  helped.pools[1].panic.fallback_pool = "told";
  EXPECT_THAT(remarks(helped), about_plain) << "its clients come there in a panic";
}

TEST(Remarks, NothingOfPoolsWhoseClientsCannotOrMayNot) {
  Model both = with_toa("10.0.0.1");
  both.pools[1].toa = true;
  EXPECT_THAT(remarks(both), IsEmpty());
  Model udp = with_toa("10.0.0.1");
  udp.services[1].protocol = Protocol::kUdp;
  EXPECT_THAT(remarks(udp), IsEmpty());
  Model unused = with_toa("10.0.0.1");
  unused.services.pop_back();
  EXPECT_THAT(remarks(unused), IsEmpty());
}

}  // namespace
}  // namespace guideway::model
