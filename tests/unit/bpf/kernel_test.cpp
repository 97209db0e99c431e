// SPDX-License-Identifier: Apache-2.0
#include "guideway/bpf/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace guideway::bpf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr OldestKernel kOldest = {6, 1, "the program needs 6.1"};

TEST(Kernel, OlderOnesAreRefusedWithTheirVersion) {
  for (const char* release : {"5.15.0", "6.0.19", "4.19.0-27-amd64", "2.6.78-fc"}) {
    const auto checked = check_kernel(release, kOldest);
    ASSERT_FALSE(checked) << release;
    EXPECT_EQ(checked.error().message,
              "kernel " + std::string(release) + " is too old: the program needs 6.1");
  }
}

TEST(Kernel, TheOldestAndNewerOnesWillDo) {
  for (const char* release : {"6.1.0-18-amd64", "6.1", "6.18.44", "7.0", "10.0.1"})
    EXPECT_TRUE(check_kernel(release, kOldest)) << release;
}

TEST(Kernel, OneWithoutAVersionIsNotJudged) {
  for (const char* release : {"", "next", "6", "-1.2"})
    EXPECT_TRUE(check_kernel(release, kOldest)) << release;
}

TEST(Advice, SaysWhatIsMissing) {
  EXPECT_THAT(advice("the program", EPERM, true), HasSubstr("CAP_BPF"));
  EXPECT_THAT(advice("the program", ENOMEM, true), HasSubstr("lower the [capacity]"));
  EXPECT_THAT(advice("the program", EINVAL, false), HasSubstr("CONFIG_DEBUG_INFO_BTF=y"));
  EXPECT_THAT(advice("the program", EINVAL, true),
              AllOf(HasSubstr("the program cannot be loaded"), HasSubstr("Invalid argument"),
                    Not(HasSubstr("BTF"))));
}

/// ENOMEM: drivers say so that have no transmit queue left for each CPU.
TEST(NativeMode, WhatItLacksAloneIsTriedInGenericMode) {
  for (const int error : {EOPNOTSUPP, EINVAL, ERANGE, ENOSPC, ENOMEM})
    EXPECT_TRUE(is_of_native_mode(error)) << error;
  for (const int error : {EPERM, EBUSY, EEXIST, ENODEV})
    EXPECT_FALSE(is_of_native_mode(error)) << error;
}

TEST(NativeMode, RefusalsSayWhatTheDriverLacks) {
  EXPECT_EQ(native_refusal(EOPNOTSUPP), "has no native XDP");
  EXPECT_THAT(native_refusal(ENOMEM), AllOf(HasSubstr("transmit queue"), HasSubstr("ethtool -L")));
  EXPECT_THAT(native_refusal(EINVAL), HasSubstr("Invalid argument"));
}

TEST(Kernel, WhatARefusedReleaseSaysIsPrintable) {
  EXPECT_THAT(check_kernel("5.4\x1b[31m", kOldest).error().message,
              AllOf(HasSubstr("5.4\\x1b"), HasSubstr("too old")));
}

}  // namespace
}  // namespace guideway::bpf
