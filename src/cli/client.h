// SPDX-License-Identifier: Apache-2.0
// One request to the daemon over a Unix socket, and its answer.
// Threading: blocking; no state.
#ifndef GUIDEWAY_CLI_CLIENT_H_
#define GUIDEWAY_CLI_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "outcome.h"

namespace guideway::cli {

struct Request {
  /// "GET", "PUT", …
  std::string method = "GET";
  /// Path and query, with what is not allowed there encoded.
  std::string target;
  std::string body;
  std::string content_type = "application/json";
  /// Only if the configuration still has this revision.
  std::optional<std::uint64_t> if_match;
  /// To connect, and then for the answer.
  std::chrono::milliseconds time{10'000};
};

struct Answer {
  unsigned status = 0;
  std::string body;
};

/// Asks at the first of `sockets`, which are not empty, that takes a connection. Failures: nobody
/// there (kNoDaemon), no permission, no answer (kFault). What the answer's status says is the
/// caller's.
Outcome<Answer> exchange(const std::vector<std::string>& sockets, const Request& request);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_CLIENT_H_
