// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/hash.h"
#include "guideway/core/kernel_shared.h"

#include <gtest/gtest.h>

namespace guideway::test {
namespace {

TEST(Seconds, AreWhatADivisionGives) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::uint64_t any = gw_spread(i) >> (4 + i % 60);
    for (const std::uint64_t ns :
         {any, any / kSecond * kSecond, any / kSecond * kSecond + kSecond - 1})
      ASSERT_EQ(gw_seconds(ns), static_cast<std::uint32_t>(ns / kSecond)) << ns;
  }
}

}  // namespace
}  // namespace guideway::test
