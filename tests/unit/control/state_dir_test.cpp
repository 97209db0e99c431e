// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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

TEST(StateDir, WhatIsSavedComesBackAndReplacesWhatWasThere) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  EXPECT_EQ(dir->load("health"), "");
  for (const std::string& content :
       {std::string("one\ntwo"), std::string(), std::string(100'000, '\0')}) {
    ASSERT_TRUE(dir->save("health", content));
    EXPECT_EQ(dir->load("health"), content);
  }
  struct stat status {};
  ASSERT_EQ(stat(folder.path("s/health").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_NE(access(folder.path("s/health.new").c_str(), F_OK), 0);
}

TEST(StateDir, ADamagedFileIsSetAside) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  ASSERT_TRUE(dir->save("health", "ab"));
  std::ifstream file(folder.path("s/health"));
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> damaged = {"", "\n", good + "x", "guideway-state 2" + good.substr(16)};
  for (std::size_t i = 0; i < good.size(); ++i) {
    damaged.push_back(good.substr(0, i));
    damaged.push_back(good);
    damaged.back()[i] = static_cast<char>(damaged.back()[i] ^ 1);
  }
  for (const std::string& content : damaged) {
    std::ofstream(folder.path("s/health")) << content;
    EXPECT_FALSE(dir->load("health")) << content;
    EXPECT_NE(access(folder.path("s/health").c_str(), F_OK), 0);
    std::ifstream aside(folder.path("s/health.bad"));
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>(aside), {}}), content);
  }
}

TEST(StateDir, ALinkIsNotReadAndNotWrittenThrough) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  std::ofstream(folder.path("elsewhere")) << "theirs";
  ASSERT_EQ(symlink(folder.path("elsewhere").c_str(), folder.path("s/health").c_str()), 0);
  EXPECT_FALSE(dir->load("health"));
  ASSERT_EQ(symlink(folder.path("elsewhere").c_str(), folder.path("s/health.new").c_str()), 0);
  EXPECT_FALSE(dir->save("health", "ours"));
  std::ifstream file(folder.path("elsewhere"));
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(file), {}}), "theirs");
}

TEST(StateDir, AFullDiskLeavesTheOldFile) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  ASSERT_TRUE(dir->save("health", "old"));
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  const struct rlimit little { 1000, before.rlim_max };
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  const auto saved = dir->save("health", std::string(10'000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(saved);
  EXPECT_EQ(dir->load("health"), "old");
  EXPECT_NE(access(folder.path("s/health.new").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace guideway::control
