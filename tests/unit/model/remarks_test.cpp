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

}  // namespace
}  // namespace guideway::model
