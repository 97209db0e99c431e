// SPDX-License-Identifier: Apache-2.0
#include "instance_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "../../support/temporary_dir.h"

namespace guideway::app {
namespace {

using ::testing::HasSubstr;

class InstanceLockTest : public testing::Test {
 protected:
  Result<InstanceLock> take(const std::string& director) const {
    return InstanceLock::take(director, run_);
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(run_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  test::TemporaryDir folder_;
  std::string run_ = folder_.path("run");
};

TEST_F(InstanceLockTest, OneOfANameAndAnyNumberOfOthers) {
  const auto first = take("lb1");
  ASSERT_TRUE(first) << first.error().message;
  const auto again = take("lb1");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("director lb1"));
  EXPECT_THAT(again.error().message, HasSubstr("running already"));
  EXPECT_TRUE(take("lb2"));
  EXPECT_FALSE(take("lb1")) << "a refused one must not have removed the lock";
}

TEST_F(InstanceLockTest, LeavesNothingBehind) {
  {
    const auto lock = take("lb1");
    ASSERT_TRUE(lock);
    struct stat status {};
    ASSERT_EQ(stat(run_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755u);
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_FALSE(std::filesystem::exists(run_));
}

TEST_F(InstanceLockTest, AFolderThatWasThereStays) {
  ASSERT_EQ(mkdir(run_.c_str(), 0700), 0);
  { ASSERT_TRUE(take("lb1")); }
  EXPECT_TRUE(std::filesystem::exists(run_));
  EXPECT_EQ(files(), 0u);
}

TEST_F(InstanceLockTest, TheModeOfTheFolderIsNotTheUmasks) {
  const mode_t old = umask(0);
  const auto lock = take("lb1");
  umask(old);
  ASSERT_TRUE(lock);
  struct stat status {};
  ASSERT_EQ(stat(run_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755u);
}

TEST_F(InstanceLockTest, WhatAKilledDaemonLeftIsNoObstacle) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = take("lb1");
    _exit(lock ? 0 : 1);  // without destructors, as a kill does
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(files(), 1u);
  EXPECT_TRUE(take("lb1"));
  EXPECT_FALSE(std::filesystem::exists(run_)) << "its leftovers go with the next one's end";
}

TEST_F(InstanceLockTest, AFolderThatOthersMayWriteIsRefused) {
  ASSERT_EQ(mkdir(run_.c_str(), 0755), 0);
  ASSERT_EQ(chmod(run_.c_str(), 0777), 0);
  const auto lock = take("lb1");
  ASSERT_FALSE(lock);
  EXPECT_THAT(lock.error().message, HasSubstr("0755"));
}

}  // namespace
}  // namespace guideway::app
