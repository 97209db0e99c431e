// SPDX-License-Identifier: Apache-2.0
// Logging set-up: spdlog to stderr, as text for a person at a terminal, as JSON lines otherwise
// (journal, file, pipe). Log with spdlog::info() and friends, or with log() below when there are
// facts for programs; never on the packet path, and where packets can cause a line, behind a
// LogLimit (base/log_limit.h). Text that came from elsewhere goes through escape_untrusted()
// (base/text.h) first; what escapes that is made harmless here.
// Threading: set_up_logging() before other threads start; logging itself from any thread.
#ifndef GUIDEWAY_BASE_LOGGING_H_
#define GUIDEWAY_BASE_LOGGING_H_

#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "guideway/base/field.h"
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

/// One line with facts beside its message. As JSON they are members of the line's object, so a key
/// is none of "time", "level", "message"; as text the message has to say it all.
void log(spdlog::level::level_enum level, const std::string& message, const Fields& fields);

/// One JSON object a line: {"time":"2024-05-01T12:00:00.123Z","level":"info","message":"…"}, and
/// the fields behind. Whatever the message contains, the line is valid JSON in UTF-8.
std::unique_ptr<spdlog::formatter> make_json_formatter();

/// "12:00:00.123 info    …" in local time. Of control characters only the newline is let through.
std::unique_ptr<spdlog::formatter> make_text_formatter();

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_LOGGING_H_
