// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "../../support/temporary_dir.h"

namespace guideway::control {
namespace {

using ::testing::HasSubstr;

TEST(StateDir, IsMadeForItsOwnerAloneAndLocked) {
  const test::TemporaryDir folder;
  const auto first = StateDir::open(folder.path("a/b"));
  ASSERT_TRUE(first) << first.error().message;
  struct stat status {};
  ASSERT_EQ(stat(folder.path("a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  const auto second = StateDir::open(folder.path("a/b"));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another guidewayd uses it"));
}

TEST(StateDir, TheSeedIsMadeOnceAndKept) {
  const test::TemporaryDir folder;
  model::HashSeed seed{};
  {
    const auto dir = StateDir::open(folder.path("s"));
    ASSERT_TRUE(dir);
    seed = dir->hash_seed().value();
    EXPECT_NE(seed, model::HashSeed{});
    EXPECT_EQ(dir->hash_seed().value(), seed);
  }
  struct stat status {};
  ASSERT_EQ(stat(folder.path("s/hash_seed").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(StateDir::open(folder.path("s"))->hash_seed().value(), seed);
}

TEST(StateDir, ADamagedSeedIsRefusedRatherThanReplaced) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  std::ofstream(folder.path("s/hash_seed")) << "too short";
  const auto seed = dir->hash_seed();
  ASSERT_FALSE(seed);
  EXPECT_THAT(seed.error().message, HasSubstr("not a seed of 16 bytes"));
}

TEST(StateDir, NoLinkIsFollowed) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  std::ofstream(folder.path("elsewhere")) << "0123456789abcdef";
  ASSERT_EQ(symlink(folder.path("elsewhere").c_str(), folder.path("s/hash_seed").c_str()), 0);
  EXPECT_FALSE(dir->hash_seed());
  ASSERT_EQ(symlink(folder.path("s").c_str(), folder.path("link").c_str()), 0);
  EXPECT_FALSE(StateDir::open(folder.path("link")));
}

TEST(StateDir, ADirectoryThatOthersMayWriteIsRefused) {
  const test::TemporaryDir folder;
  ASSERT_EQ(mkdir(folder.path("s").c_str(), 0700), 0);
  ASSERT_EQ(chmod(folder.path("s").c_str(), 0777), 0);
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_FALSE(dir);
  EXPECT_THAT(dir.error().message, HasSubstr("writable by others"));
}

}  // namespace
}  // namespace guideway::control
