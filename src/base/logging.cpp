// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "guideway/base/clock.h"

namespace guideway::base {
namespace {

using Json = nlohmann::ordered_json;

/// The fields of the line that this thread is logging just now. spdlog has no place for them; its
/// formatters run on the thread that logs.
thread_local const Fields* fields_of_line = nullptr;

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(message.level);
    Json line = {{"time", utc_text(message.time)},
                 {"level", std::string(level.data(), level.size())},
                 {"message", std::string(message.payload.data(), message.payload.size())}};
    if (fields_of_line)
      for (const Field& field : *fields_of_line)
        std::visit([&](const auto& value) { line.emplace(field.key, value); }, field.value);
    // Bytes that are not UTF-8 become U+FFFD: a log line must never throw.
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

/// The message as a terminal may see it. Messages of ours have newlines (the verifier's words).
class HarmlessMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        escape_controls(std::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<HarmlessMessage>();
  }
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_formatter() {
  return std::make_unique<JsonFormatter>();
}

std::unique_ptr<spdlog::formatter> make_text_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<HarmlessMessage>('*').set_pattern("%H:%M:%S.%e %^%-7l%$ %*");
  return formatter;
}

void set_up_logging(spdlog::level::level_enum level, LogFormat format) {
  const bool text =
      format == LogFormat::kText || (format == LogFormat::kAuto && isatty(STDERR_FILENO) == 1);
  auto logger = std::make_shared<spdlog::logger>(
      "guideway", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_formatter(text ? make_text_formatter() : make_json_formatter());
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log(spdlog::level::level_enum level, const std::string& message, const Fields& fields) {
  fields_of_line = &fields;
  spdlog::log(level, "{}", message);
  fields_of_line = nullptr;
}

}  // namespace guideway::base
