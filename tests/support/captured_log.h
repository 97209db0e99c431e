// SPDX-License-Identifier: Apache-2.0
// CapturedLog: what is logged while it lives, in place of the process's log.
// Threading: one at a time in a process.
#ifndef GUIDEWAY_TESTS_SUPPORT_CAPTURED_LOG_H_
#define GUIDEWAY_TESTS_SUPPORT_CAPTURED_LOG_H_

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>

namespace guideway::test {

class CapturedLog {
 public:
  CapturedLog() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", std::move(sink)));
  }
  ~CapturedLog() { spdlog::set_default_logger(earlier_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> earlier_ = spdlog::default_logger();
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_CAPTURED_LOG_H_
