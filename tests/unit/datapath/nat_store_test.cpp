// SPDX-License-Identifier: Apache-2.0
// The NAT table's memory: adopted with whose planes they are, grown, or begun anew. On real files.
#include "guideway/datapath/nat_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "guideway/datapath/file_store.h"
#include "tests/support/captured_log.h"
#include "tests/support/temporary_dir.h"

namespace guideway::datapath {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class NatStoreTest : public testing::Test {
 protected:
  NatStore open(std::uint32_t planes, bool adopt) {
    auto opened = NatStore::open(files_, planes, adopt);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return std::move(*opened);
  }
  /// A table of `planes` whose addresses are 198.51.100.1 and so on, with a word in each plane.
  void leave(std::uint32_t planes) {
    const NatStore nat = open(planes, false);
    leave_owners(nat, planes);
    for (std::uint32_t plane = 0; plane < planes; plane++) word(nat, plane) = 1000 + plane;
  }
  static void leave_owners(const NatStore& nat, std::uint32_t planes) {
    std::vector<IpAddress> addresses;
    for (std::uint8_t i = 1; i <= planes; i++) addresses.push_back(address(i));
    write_nat_ids(nat.view(), compile::NatIds(planes).with(addresses).value());
  }
  static IpAddress address(std::uint8_t last) { return IpAddress::v4({198, 51, 100, last}); }
  static std::uint64_t& word(const NatStore& nat, std::uint32_t plane) {
    return nat.view().buckets[std::size_t{plane} * GW_NAT_PLANE + 5].ways.words[3];
  }

  test::TemporaryDir dir_;
  FileStore files_ = FileStore::open_directory(dir_.path("nat"), "test", "").value();
};

TEST_F(NatStoreTest, NoPlanesNoMemory) {
  const NatStore nat = open(0, false);
  EXPECT_EQ(nat.view().planes, 0U);
  EXPECT_THAT(nat.view().buckets, IsEmpty());
  EXPECT_FALSE(files_.contains(NatStore::kNat));
}

TEST_F(NatStoreTest, AdoptsEntriesAndOwners) {
  leave(2);
  const NatStore nat = open(2, true);
  EXPECT_THAT(nat.ids().entries(), UnorderedElementsAre(Pair(address(1), 0), Pair(address(2), 1)));
  EXPECT_EQ(word(nat, 0), 1000U);
  EXPECT_EQ(word(nat, 1), 1001U);
}

TEST_F(NatStoreTest, BeginsAnewWhenTheFlowTableDoes) {
  leave(2);
  const NatStore nat = open(2, false);
  EXPECT_THAT(nat.ids().entries(), IsEmpty());
  EXPECT_EQ(word(nat, 0), 0U);
}

TEST_F(NatStoreTest, GrowsAndKeepsWhatWasThere) {
  leave(1);
  const NatStore nat = open(3, true);
  EXPECT_EQ(nat.view().planes, 3U);
  EXPECT_THAT(nat.ids().entries(), UnorderedElementsAre(Pair(address(1), 0)));
  EXPECT_EQ(word(nat, 0), 1000U);
  EXPECT_EQ(word(nat, 2), 0U);
}

TEST_F(NatStoreTest, NeverShrinksUnderAdoptedFlows) {
  leave(2);
  EXPECT_EQ(open(0, true).view().planes, 2U);
}

TEST_F(NatStoreTest, DamagedOwnersAreNobody) {
  leave(3);
  NatStore nat = open(3, true);
  const auto header = [&](std::size_t plane) {
    return reinterpret_cast<std::uint8_t*>(&nat.view().buckets[plane * GW_NAT_PLANE]);
  };
  header(0)[8] ^= 1;  // its address
  header(1)[24] = 5;  // its family
  std::memcpy(header(2), header(1), sizeof(gw_nat_plane));
  const test::CapturedLog log;
  EXPECT_THAT(nat.ids().entries(), IsEmpty());
  for (const char* plane : {"plane 0 of", "plane 1 of", "plane 2 of"})
    EXPECT_THAT(log.text(), HasSubstr(plane));
}

TEST_F(NatStoreTest, APlaneThatIsNobodysIsNoDamage) {
  leave(1);
  const NatStore nat = open(3, true);
  const test::CapturedLog log;
  EXPECT_THAT(nat.ids().entries(), UnorderedElementsAre(Pair(address(1), 0)));
  EXPECT_EQ(log.text(), "");
}

TEST_F(NatStoreTest, LessThanOnePlaneIsBegunAnewAndSaysSo) {
  const std::size_t bytes = NatStore::kUnit * 64;
  {
    const auto small = files_.make(NatStore::kNat, bytes, NatStore::kUnit);
    ASSERT_TRUE(small) << small.error().message;
    ASSERT_TRUE(files_.put(**small, NatStore::kNat));
  }
  const test::CapturedLog log;
  EXPECT_EQ(open(2, true).view().planes, 2U);
  EXPECT_THAT(log.text(), AllOf(HasSubstr("cannot be adopted"),
                                HasSubstr(std::to_string(bytes) + " bytes are too few")));
}

TEST_F(NatStoreTest, TwoPlanesOfOneAddressAreTheFirsts) {
  leave(2);
  NatStore nat = open(2, true);
  std::memcpy(static_cast<void*>(&nat.view().buckets[GW_NAT_PLANE]),
              static_cast<const void*>(&nat.view().buckets[0]), sizeof(gw_nat_plane));
  EXPECT_THAT(nat.ids().entries(), UnorderedElementsAre(Pair(address(1), 0)));
}

/// Its owners are then right or nobody's, and what the next generation notes is read again.
TEST_F(NatStoreTest, NoByteOfAHeaderMakesAnotherOwner) {
  leave(2);
  const NatStore nat = open(2, true);
  const test::CapturedLog log;
  compile::ForwardingState next;
  next.nat_ids = compile::NatIds(2).with({address(7), address(8)}).value();
  auto* header = reinterpret_cast<std::uint8_t*>(&nat.view().buckets[GW_NAT_PLANE]);
  for (std::size_t at = 0; at < sizeof(gw_nat_plane); at++) {
    for (const std::uint8_t bit : {1, 2, 4, 8, 16, 32, 64, 128}) {
      header[at] ^= bit;
      ASSERT_THAT(nat.ids().entries(), UnorderedElementsAre(Pair(address(1), 0))) << at;
      open(2, true).note(next);
      ASSERT_EQ(nat.ids().entries(), next.nat_ids.entries()) << at;
      leave_owners(nat, 2);
    }
  }
}

TEST_F(NatStoreTest, AFileOfAnySizeIsAdoptedByWholePlanesOrRefused) {
  const std::size_t plane = NatStore::kUnit * GW_NAT_PLANE;
  for (const std::size_t bytes :
       {std::size_t{1}, NatStore::kUnit, plane - 1, plane - NatStore::kUnit, plane, plane + 1,
        plane + NatStore::kUnit, 2 * plane}) {
    leave(1);
    std::filesystem::resize_file(dir_.path("nat") + "/" + NatStore::kNat, bytes);
    const NatStore nat = open(1, true);
    const bool is_adopted = bytes >= plane && bytes % NatStore::kUnit == 0;
    EXPECT_EQ(nat.view().planes, is_adopted ? bytes / plane : 1U) << bytes;
    EXPECT_EQ(nat.view().buckets.size(), std::size_t{nat.view().planes} * GW_NAT_PLANE) << bytes;
    EXPECT_EQ(word(nat, 0), is_adopted ? 1000U : 0U) << bytes;
  }
}

}  // namespace
}  // namespace guideway::datapath
