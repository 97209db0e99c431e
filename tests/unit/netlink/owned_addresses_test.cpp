// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/owned_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "../../support/temporary_dir.h"

namespace guideway::netlink {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const OwnedAddress kFour{"lo", IpPrefix::parse("203.0.113.10/32").value()};
const OwnedAddress kSix{"gw-wan", IpPrefix::parse("2001:db8::10/128").value()};

class OwnedAddressesTest : public testing::Test {
 protected:
  OwnedAddresses open() {
    auto opened = OwnedAddresses::open(folder_.path(""));
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(file_).rdbuf();
    return all.str();
  }
  void put(const std::string& text) const { std::ofstream(file_) << text; }
  bool set_aside() const { return access(folder_.path("owned_addresses.damaged").c_str(), 0) == 0; }

  test::TemporaryDir folder_;
  std::string file_ = folder_.path("owned_addresses");
};

TEST_F(OwnedAddressesTest, WhatIsSetIsThereForTheNextRun) {
  EXPECT_THAT(open().all(), IsEmpty());
  {
    auto record = open();
    ASSERT_TRUE(record.set({kFour, kSix}));
  }
  EXPECT_EQ(open().all(), (std::set<OwnedAddress>{kFour, kSix}));
  struct stat status {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_THAT(text(), HasSubstr("address 203.0.113.10/32 lo\n"));
}

TEST_F(OwnedAddressesTest, AnEmptyRecordIsNoFile) {
  auto record = open();
  ASSERT_TRUE(record.set({kFour}));
  ASSERT_TRUE(record.set({}));
  EXPECT_NE(access(file_.c_str(), F_OK), 0);
}

TEST_F(OwnedAddressesTest, ADamagedRecordIsSetAsideAndNotBelieved) {
  auto record = open();
  ASSERT_TRUE(record.set({kFour, kSix}));
  const std::string good = text();
  for (std::size_t size = 0; size < good.size(); size++) {
    put(good.substr(0, size));
    EXPECT_THAT(open().all(), IsEmpty()) << size;
    EXPECT_TRUE(set_aside()) << size;
    EXPECT_NE(access(file_.c_str(), F_OK), 0) << size;
    unlink(folder_.path("owned_addresses.damaged").c_str());
  }
  std::string other_version = good;
  other_version.replace(other_version.find(" 1\n"), 3, " 2\n");
  for (const std::string& bad : {good + "x", other_version, std::string("\0\n", 2)}) {
    put(bad);
    EXPECT_THAT(open().all(), IsEmpty()) << bad;
    EXPECT_TRUE(set_aside()) << bad;
    unlink(folder_.path("owned_addresses.damaged").c_str());
  }
  put(good);
  EXPECT_EQ(open().all().size(), 2u);
}

TEST_F(OwnedAddressesTest, ARecordOfAnEarlierBootCountsAsEmpty) {
  put("guideway-owned-addresses 1\nboot another\naddress 203.0.113.10/32 lo\nend 1\n");
  EXPECT_THAT(open().all(), IsEmpty());
  EXPECT_FALSE(set_aside());
}

TEST_F(OwnedAddressesTest, LinksPipesAndWhatOthersMayWriteAreNotBelieved) {
  auto record = open();
  ASSERT_TRUE(record.set({kFour}));
  ASSERT_EQ(rename(file_.c_str(), folder_.path("elsewhere").c_str()), 0);
  ASSERT_EQ(symlink("elsewhere", file_.c_str()), 0);
  EXPECT_THAT(open().all(), IsEmpty());
  EXPECT_TRUE(set_aside());
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  EXPECT_THAT(open().all(), IsEmpty());
  ASSERT_EQ(rename(folder_.path("elsewhere").c_str(), file_.c_str()), 0);
  ASSERT_EQ(chmod(file_.c_str(), 0620), 0);
  EXPECT_THAT(open().all(), IsEmpty());
}

TEST_F(OwnedAddressesTest, ALinkInTheWayOfTheNewFileIsNotWrittenThrough) {
  put("");
  unlink(file_.c_str());
  std::ofstream(folder_.path("victim")) << "mine";
  ASSERT_EQ(symlink("victim", folder_.path("owned_addresses.new").c_str()), 0);
  auto record = open();
  ASSERT_TRUE(record.set({kFour}));
  std::string left;
  std::ifstream(folder_.path("victim")) >> left;
  EXPECT_EQ(left, "mine");
  EXPECT_EQ(open().all().size(), 1u);
}

TEST_F(OwnedAddressesTest, AFailedWriteChangesNothing) {
  auto record = open();
  ASSERT_TRUE(record.set({kFour}));
  ASSERT_EQ(mkdir(folder_.path("owned_addresses.new").c_str(), 0700), 0);
  const auto failed = record.set({kFour, kSix});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("cannot write the addresses down"));
  EXPECT_EQ(record.all(), (std::set<OwnedAddress>{kFour}));
  EXPECT_EQ(open().all(), (std::set<OwnedAddress>{kFour}));
}

}  // namespace
}  // namespace guideway::netlink
