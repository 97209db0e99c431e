// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace guideway::config {
namespace {

constexpr JsonBounds kBounds{.most_levels = 3, .most_keys = 2};

JsonFault fault_of(const std::string& text) {
  const auto json = parse_json(text, kBounds);
  EXPECT_FALSE(json) << text;
  return json ? JsonFault::kNotJson : json.error();
}

TEST(JsonText, WhatIsWithinItsBoundsIsRead) {
  for (const char* text : {"1", "null", "[[[]]]", R"({"b": [{"a": 1, "c": 2}], "a": -1.5})"}) {
    const auto json = parse_json(text, kBounds);
    ASSERT_TRUE(json) << text;
    EXPECT_EQ(*json, Json::parse(text));
  }
}

TEST(JsonText, WhatIsBeyondThemIsRefused) {
  EXPECT_EQ(fault_of("[[[[]]]]"), JsonFault::kTooDeep);
  EXPECT_EQ(fault_of(R"([[{"a": {}}]])"), JsonFault::kTooDeep);
  EXPECT_EQ(fault_of(R"([{"a": 1, "b": 2, "c": 3}])"), JsonFault::kTooManyKeys);
  EXPECT_EQ(fault_of(std::string(1 << 20, '[')), JsonFault::kTooDeep);
  for (const char* text : {"", "[", "{]", "[1,]", "x", "[] []", "\"\xff\""})
    EXPECT_EQ(fault_of(text), JsonFault::kNotJson) << text;
}

TEST(JsonText, TakesAMillionObjectsInReasonableTime) {
  std::string text = "[{}";
  for (int i = 1; i < 1'000'000; ++i) text += ",{}";
  // What looks through all of them at the end of each would take an hour.
  const auto json = parse_json(text + "]", kBounds);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->size(), 1'000'000u);
}

}  // namespace
}  // namespace guideway::config
