// SPDX-License-Identifier: Apache-2.0
// FakeDaemon: answers HTTP on a Unix socket by a script, and keeps what it was asked.
// Threading: its own thread; the test's calls are locked against it.
#ifndef GUIDEWAY_TESTS_UNIT_CLI_FAKE_DAEMON_H_
#define GUIDEWAY_TESTS_UNIT_CLI_FAKE_DAEMON_H_

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../../support/temporary_dir.h"

namespace guideway::cli {

class FakeDaemon {
 public:
  struct Asked {
    /// "PATCH /v1/pools/web".
    std::string what;
    /// With their line ends.
    std::string headers;
    std::string body;
  };

  FakeDaemon();
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  std::string socket() const { return folder_.path("admin.sock"); }
  /// Answers `what` so; named again, the answers are given in turn, and the last one stays.
  void answer(const std::string& what, const std::string& body, int status = 200);
  /// From now on nobody is there: the connection is closed once `what` has been answered.
  void leave_after(const std::string& what);

  std::vector<Asked> asked() const;
  /// What was asked, without headers and bodies.
  std::vector<std::string> targets() const;
  Asked last() const { return asked().back(); }

 private:
  struct Scripted {
    int status = 200;
    std::string body;
  };

  void serve();
  void serve_one(int client);
  Scripted next_answer(const std::string& what);

  test::TemporaryDir folder_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<Scripted>> script_;
  std::vector<Asked> asked_;
  std::string last_what_;
  std::thread thread_;
};

/// {"api":1,"error":{…}}; without a field if that is empty.
std::string error_body(const std::string& code, const std::string& message,
                       const std::string& field = "");

}  // namespace guideway::cli

#endif  // GUIDEWAY_TESTS_UNIT_CLI_FAKE_DAEMON_H_
