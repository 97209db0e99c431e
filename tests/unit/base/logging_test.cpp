// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/logging.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>
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

/// A logger of this format whose lines can be read, in place of the default one.
class CaughtLog {
 public:
  explicit CaughtLog(std::unique_ptr<spdlog::formatter> formatter)
      : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    sink->set_formatter(std::move(formatter));
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~CaughtLog() { spdlog::set_default_logger(before_); }
  CaughtLog(const CaughtLog&) = delete;
  CaughtLog& operator=(const CaughtLog&) = delete;

  std::string text() const { return out_.str(); }

 private:
  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream out_;
};

TEST(JsonLog, FieldsAreMembersOfTheLineAndOfThatOneOnly) {
  const CaughtLog caught(make_json_formatter());
  log(spdlog::level::info, "generation 7 published",
      {{"change_id", "4f\"\n"}, {"generation", 7}, {"message", "not this one"}});
  spdlog::info("without");
  std::istringstream lines(caught.text());
  std::string first;
  std::string second;
  ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second));
  const auto json = nlohmann::json::parse(first);
  EXPECT_EQ(json["change_id"], "4f\"\n");
  EXPECT_EQ(json["generation"], 7);
  EXPECT_EQ(json["message"], "generation 7 published");
  EXPECT_FALSE(nlohmann::json::parse(second).contains("change_id"));
}

TEST(TextLog, LetsNoControlCharacterThrough) {
  const CaughtLog caught(make_text_formatter());
  spdlog::warn("a peer said \x1b[2J\r\x07\xff, and\nwe said");
  const std::string text = caught.text();
  EXPECT_NE(text.find("warning a peer said \\x1b[2J\\r\\x07\\xff, and\nwe said\n"),
            std::string::npos)
      << text;
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
