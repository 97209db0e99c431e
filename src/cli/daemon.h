// SPDX-License-Identifier: Apache-2.0
// Daemon: the admin API as commands use it: which socket, and what an error answer means.
// Threading: blocking; one thread.
#ifndef GUIDEWAY_CLI_DAEMON_H_
#define GUIDEWAY_CLI_DAEMON_H_

#include <string>
#include <vector>

#include "client.h"
#include "json.h"
#include "outcome.h"

namespace guideway::cli {

class Daemon {
 public:
  /// Reads go to the first socket of `for_reading` that takes a connection, all else to the first
  /// of `for_writing`.
  Daemon(std::vector<std::string> for_reading, std::vector<std::string> for_writing)
      : for_reading_(std::move(for_reading)), for_writing_(std::move(for_writing)) {}

  /// The body of a good answer. Failures: those of exchange(), and answers of 400 or more.
  Outcome<std::string> ask(const Request& request) const;
  /// GET `target` as JSON.
  Outcome<Json> read(const std::string& target) const;
  /// The same from the socket that writes go to: what is read and what is written are one's.
  Outcome<Json> read_before_write(const std::string& target) const;

 private:
  std::vector<std::string> for_reading_;
  std::vector<std::string> for_writing_;
};

/// Throws nothing: what is not JSON is a failure.
Outcome<Json> parse_answer(const std::string& body);

/// `text` as one segment of a path, or as a value in a query.
std::string encoded(const std::string& text);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_DAEMON_H_
