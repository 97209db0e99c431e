// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/logging.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "guideway/base/clock.h"

namespace guideway::base {
namespace {

std::string json_line(std::string_view message) {
  spdlog::details::log_msg record("guideway", spdlog::level::warn,
                                  spdlog::string_view_t(message.data(), message.size()));
  record.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'714'564'800'123));
  spdlog::memory_buf_t out;
  make_json_formatter()->format(record, out);
  return std::string(out.data(), out.size());
}

TEST(JsonLog, IsOneObjectALine) {
  EXPECT_EQ(
      json_line("hello"),
      "{\"time\":\"2024-05-01T12:00:00.123Z\",\"level\":\"warning\",\"message\":\"hello\"}\n");
}

TEST(JsonLog, StaysOneValidLineWhateverTheMessage) {
  for (const std::string& message : {std::string("a\"b\\c\nd\x1b"), std::string("\xff\xfe"),
                                     std::string("nul\0inside", 10), std::string()}) {
    const std::string line = json_line(message);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_TRUE(nlohmann::json::parse(line).contains("message")) << line;
  }
  EXPECT_EQ(nlohmann::json::parse(json_line("a\"b\nc"))["message"], "a\"b\nc");
}

TEST(Clock, CoarseTimeGoesOnInTheUnitsItSays) {
  const std::uint64_t before = coarse_now_ns();
  EXPECT_GE(coarse_now_ns(), before);
  EXPECT_GE(coarse_now_s(), before / 1'000'000'000u);
  EXPECT_GT(before, 0u);
}

TEST(Clock, UtcTextRoundsDown) {
  using std::chrono::microseconds;
  EXPECT_EQ(utc_text(std::chrono::system_clock::time_point(microseconds(999'999))),
            "1970-01-01T00:00:00.999Z");
}

}  // namespace
}  // namespace guideway::base
