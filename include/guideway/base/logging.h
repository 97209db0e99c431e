// SPDX-License-Identifier: Apache-2.0
// Logging set-up: spdlog to stderr, as text for a person at a terminal, as JSON lines otherwise
// (journal, file, pipe). Log with spdlog::info() and friends; never on the packet path. Text that
// came from elsewhere goes through escape_untrusted() (base/text.h) first.
// Threading: set_up_logging() before other threads start; logging itself from any thread.
#ifndef GUIDEWAY_BASE_LOGGING_H_
#define GUIDEWAY_BASE_LOGGING_H_

#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "guideway/base/text.h"

namespace guideway::base {

enum class LogFormat {
  kAuto,  // text when stderr is a terminal, else JSON
  kText,
  kJson,
};

/// Makes the default logger write to stderr in `format`, from `level` up.
void set_up_logging(spdlog::level::level_enum level = spdlog::level::info,
                    LogFormat format = LogFormat::kAuto);

/// One JSON object a line: {"time":"2024-05-01T12:00:00.123Z","level":"info","message":"…"}.
/// Whatever the message contains, the line is valid JSON in UTF-8.
std::unique_ptr<spdlog::formatter> make_json_formatter();

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_LOGGING_H_
