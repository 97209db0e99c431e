// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/backend_ids.h"

#include <gtest/gtest.h>

#include "guideway/core/layout.h"

namespace guideway::compile {
namespace {

BackendKey key(std::uint8_t host, const char* pool = "web", std::uint16_t port = 80) {
  return {pool, IpAddress::v4({10, 0, 0, host}), port};
}

TEST(BackendIds, GivesTheLowestFreeId) {
  BackendIds ids(10);
  EXPECT_EQ(ids.acquire(key(1)), 0);
  EXPECT_EQ(ids.acquire(key(2)), 1);
  EXPECT_EQ(ids.acquire(key(3)), 2);
  ids.at(1).removed = true;
  ids.release(1);
  EXPECT_EQ(ids.acquire(key(4)), 1);
  EXPECT_EQ(ids.acquire(key(5)), 3);
}

TEST(BackendIds, TheSameKeyKeepsItsIdEvenWhileRemoved) {
  BackendIds ids(10);
  const auto id = ids.acquire(key(1));
  ids.acquire(key(2));
  ids.at(*id).removed = true;
  EXPECT_EQ(ids.acquire(key(1)), id);
  EXPECT_EQ(ids.find(key(1)), id);
}

TEST(BackendIds, PoolAddressAndPortTellBackendsApart) {
  BackendIds ids(10);
  ids.acquire(key(1));
  EXPECT_EQ(ids.find(key(1, "api")), std::nullopt);
  EXPECT_EQ(ids.find(key(1, "web", 81)), std::nullopt);
  EXPECT_EQ(ids.find(key(2)), std::nullopt);
}

TEST(BackendIds, NoIdIsLeftAtCapacity) {
  BackendIds ids(2);
  ids.acquire(key(1));
  ids.acquire(key(2));
  EXPECT_EQ(ids.acquire(key(3)), std::nullopt);
  EXPECT_EQ(ids.find(key(3)), std::nullopt);
  EXPECT_EQ(ids.acquire(key(2)), 1);
}

TEST(BackendIds, AReleasedKeyIsForgotten) {
  BackendIds ids(2);
  ids.acquire(key(1));
  ids.at(0).removed = true;
  ids.release(0);
  EXPECT_EQ(ids.find(key(1)), std::nullopt);
  EXPECT_TRUE(ids.entries().empty());
}

TEST(BackendIds, NeverGivesOutNoBackend) {
  BackendIds ids(100'000);
  EXPECT_EQ(ids.capacity(), GW_NO_BACKEND);
  std::optional<std::uint16_t> last;
  for (std::uint32_t i = 0; i < GW_NO_BACKEND; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8);
    last = ids.acquire({"web", IpAddress::v4({10, 0, high, static_cast<std::uint8_t>(i)}), 0});
  }
  EXPECT_EQ(last, GW_NO_BACKEND - 1);
  EXPECT_EQ(ids.acquire(key(1, "other")), std::nullopt);
}

}  // namespace
}  // namespace guideway::compile
