// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../support/captured_log.h"
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
  ASSERT_TRUE(dir->hash_seed());
  std::ifstream file(folder.path("s/hash_seed"));
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> damaged = {"too short", "17 bytes are long", good + "x"};
  for (std::size_t i = 0; i < good.size(); ++i) {
    damaged.push_back(good.substr(0, i));  // among them one of 16 bytes
    damaged.push_back(good);
    damaged.back()[i] = static_cast<char>(damaged.back()[i] ^ 1);
  }
  for (const std::string& content : damaged) {
    std::ofstream(folder.path("s/hash_seed")) << content;
    const auto seed = dir->hash_seed();
    ASSERT_FALSE(seed) << content;
    EXPECT_THAT(seed.error().message, HasSubstr("not a seed of 16 bytes"));
    EXPECT_EQ(access(folder.path("s/hash_seed").c_str(), F_OK), 0) << "it may be restored by hand";
  }
}

TEST(StateDir, ASeedOfAnEarlierVersionIsTakenAsItIs) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  const std::string old = "0123456789abcdef";
  std::ofstream(folder.path("s/hash_seed")) << old;
  ASSERT_EQ(chmod(folder.path("s/hash_seed").c_str(), 0600), 0);
  model::HashSeed seed{};
  std::copy(old.begin(), old.end(), seed.begin());
  EXPECT_EQ(dir->hash_seed(), seed);
  std::ifstream file(folder.path("s/hash_seed"));
  const std::string now{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(now, old) << "that version may come back";
}

TEST(StateDir, WhatIsSetAsideOutlivesTheNextSave) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  EXPECT_FALSE(dir->set_aside("health")) << "there is none";
  for (const char* content : {"first", "second"}) {
    ASSERT_TRUE(dir->save("health", content));
    ASSERT_TRUE(dir->set_aside("health"));
    EXPECT_EQ(dir->load("health"), content) << "until it is saved anew";
    ASSERT_TRUE(dir->save("health", "good"));
    EXPECT_EQ(dir->load("health.bad"), content);
    EXPECT_EQ(dir->load("health"), "good");
  }
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

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(StateDir, WhatOthersCouldReadIsTheOwnersAloneAfterwards) {
  const test::TemporaryDir folder;
  model::HashSeed seed{};
  {
    const auto dir = StateDir::open(folder.path("s"));
    ASSERT_TRUE(dir);
    EXPECT_TRUE(dir->save("health", "ab"));
    seed = dir->hash_seed().value();
  }
  ASSERT_EQ(chmod(folder.path("s").c_str(), 0755), 0);
  for (const char* file : {"s/health", "s/hash_seed"})
    ASSERT_EQ(chmod(folder.path(file).c_str(), 0644), 0);
  const test::CapturedLog log;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir) << dir.error().message;
  EXPECT_EQ(mode_of(folder.path("s")), 0700u);
  EXPECT_EQ(dir->hash_seed().value(), seed);
  EXPECT_EQ(mode_of(folder.path("s/hash_seed")), 0600u);
  EXPECT_EQ(dir->load("health"), "ab");
  EXPECT_EQ(mode_of(folder.path("s/health")), 0600u);
  EXPECT_THAT(log.text(), HasSubstr("/hash_seed: others were allowed to read it"));
  ASSERT_EQ(chmod(folder.path("s/hash_seed").c_str(), 0620), 0);
  EXPECT_FALSE(dir->hash_seed()) << "others could write it";
}

TEST(StateDir, ADirectoryOfOthersKeepsItsModeAndIsRefused) {
  const test::TemporaryDir folder;
  ASSERT_EQ(mkdir(folder.path("lib").c_str(), 0755), 0);
  ASSERT_EQ(mkdir(folder.path("lib/somebody").c_str(), 0755), 0);
  ASSERT_EQ(chmod(folder.path("lib").c_str(), 0755), 0);
  const auto dir = StateDir::open(folder.path("lib"));
  ASSERT_FALSE(dir);
  EXPECT_THAT(dir.error().message, HasSubstr("a directory of its own"));
  EXPECT_EQ(mode_of(folder.path("lib")), 0755u);
}

TEST(StateDir, OursIsOursWithoutASeed) {
  const test::TemporaryDir folder;
  {
    const auto dir = StateDir::open(folder.path("s"));
    ASSERT_TRUE(dir);
    EXPECT_TRUE(dir->save("health", "ab"));  // the seed is in the configuration
  }
  ASSERT_EQ(chmod(folder.path("s").c_str(), 0755), 0);
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir) << dir.error().message;
  EXPECT_EQ(mode_of(folder.path("s")), 0700u);
}

TEST(StateDir, AFileThatWasLeftOverLendsNoMode) {
  const test::TemporaryDir folder;
  const auto dir = StateDir::open(folder.path("s"));
  ASSERT_TRUE(dir);
  std::ofstream(folder.path("s/health.new")) << "half of";
  ASSERT_EQ(chmod(folder.path("s/health.new").c_str(), 0666), 0);
  ASSERT_TRUE(dir->save("health", "ab"));
  EXPECT_EQ(mode_of(folder.path("s/health")), 0600u);
  EXPECT_EQ(dir->load("health"), "ab");
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
