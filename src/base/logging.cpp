// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "guideway/base/clock.h"

namespace guideway::base {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const nlohmann::ordered_json line = {
        {"time", utc_text(message.time)},
        {"level", std::string(level.data(), level.size())},
        {"message", std::string(message.payload.data(), message.payload.size())}};
    // Bytes that are not UTF-8 become U+FFFD: a log line must never throw.
    const std::string text =
        line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_formatter() {
  return std::make_unique<JsonFormatter>();
}

void set_up_logging(spdlog::level::level_enum level, LogFormat format) {
  const bool text =
      format == LogFormat::kText || (format == LogFormat::kAuto && isatty(STDERR_FILENO) == 1);
  auto logger = std::make_shared<spdlog::logger>(
      "guideway", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  if (text) {
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  } else {
    logger->set_formatter(make_json_formatter());
  }
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace guideway::base
