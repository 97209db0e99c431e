// SPDX-License-Identifier: Apache-2.0
// ToolTest: the whole tool but its main(), with a daemon that follows a script.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_UNIT_CLI_TOOL_TEST_H_
#define GUIDEWAY_TESTS_UNIT_CLI_TOOL_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "fake_daemon.h"
#include "run.h"

namespace guideway::cli {

class ToolTest : public testing::Test {
 protected:
  /// Returns the exit code; what was printed is in out() and err(), of this call alone.
  int guideway(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    Surroundings around{out_,
                        err_,
                        socket_,
                        false,
                        [this] { return now_; },
                        [this](std::chrono::milliseconds time) { now_ += time; }};
    return run(arguments, around);
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeDaemon daemon_;
  std::string socket_ = daemon_.socket();
  std::chrono::steady_clock::time_point now_{};

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

/// The answer to a write that was done.
inline constexpr const char* kWritten =
    R"({"api": 1, "revision": 13, "generation": 57, "change_id": "6f1c",
        "changes": [{"op": "patch", "path": "pools/web/backends/b1"}], "dry_run": false})";

}  // namespace guideway::cli

#endif  // GUIDEWAY_TESTS_UNIT_CLI_TOOL_TEST_H_
