// SPDX-License-Identifier: Apache-2.0
// NAT addresses and their planes: an address keeps its plane whatever comes and goes beside it.
#include "guideway/compile/nat_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guideway::compile {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

IpAddress nat(std::uint8_t last) { return IpAddress::v4({198, 51, 100, last}); }

TEST(NatIds, AnAddressKeepsItsPlane) {
  const NatIds first = NatIds(3).with({nat(1), nat(2)}).value();
  EXPECT_THAT(first.entries(), UnorderedElementsAre(Pair(nat(1), 0), Pair(nat(2), 1)));
  const NatIds next = first.with({nat(3), nat(2)}).value();
  EXPECT_THAT(next.entries(), UnorderedElementsAre(Pair(nat(2), 1), Pair(nat(3), 2)))
      << "a plane that nobody had comes first";
  const NatIds last = next.with({nat(4), nat(3), nat(2)}).value();
  EXPECT_EQ(last.find(nat(4)), 0);
}

TEST(NatIds, APlaneOfSomebodyWhoLeavesIsTakenWhenNoOtherIsLeft) {
  const NatIds first = NatIds(2).with({nat(1), nat(2)}).value();
  const NatIds next = first.with({nat(2), nat(3)}).value();
  EXPECT_THAT(next.entries(), UnorderedElementsAre(Pair(nat(2), 1), Pair(nat(3), 0)));
}

TEST(NatIds, MoreAddressesThanPlanesAreRefused) {
  const auto refused = NatIds(1).with({nat(1), nat(2)});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("capacity.nat_addresses"));
  EXPECT_TRUE(NatIds(0).with({}));
}

TEST(NatIds, RestoresOnlyWhatCanBe) {
  NatIds ids(2);
  EXPECT_TRUE(ids.restore(1, nat(1)));
  EXPECT_FALSE(ids.restore(1, nat(2))) << "the plane is taken";
  EXPECT_FALSE(ids.restore(0, nat(1))) << "the address has one";
  EXPECT_FALSE(ids.restore(2, nat(2))) << "there is no such plane";
}

}  // namespace
}  // namespace guideway::compile
