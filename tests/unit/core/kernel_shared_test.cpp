// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/hash.h"
#include "guideway/core/kernel_shared.h"

#include <gtest/gtest.h>

namespace guideway::test {
namespace {

TEST(Seconds, BeginALittleLate) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::uint64_t kYear = 31'536'000 * kSecond;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::uint64_t any = gw_spread(i) >> (4 + i % 60);
    const std::uint64_t late = 17'000'000 + any / kYear * 17'000'000 + 17'000'000;
    const auto second = static_cast<std::uint32_t>(any / kSecond);
    ASSERT_EQ(gw_seconds(any / kSecond * kSecond + kSecond - 1), second) << any;
    ASSERT_EQ(gw_seconds(any / kSecond * kSecond + late), second) << any;
    ASSERT_LE(gw_seconds(any), second) << any;
    ASSERT_GE(gw_seconds(any) + 1, second) << any;
  }
}

}  // namespace
}  // namespace guideway::test
