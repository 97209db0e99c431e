// SPDX-License-Identifier: Apache-2.0
// How a command ends.
// Threading: values.
#ifndef GUIDEWAY_CLI_OUTCOME_H_
#define GUIDEWAY_CLI_OUTCOME_H_

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace guideway::cli {

enum ExitCode : int {
  kDone = 0,
  kFault = 1,  // refused, or something is wrong
  kUsage = 2,  // the command line, or a file that it names
  kNoDaemon = 3,
  kConflict = 4,  // the revision is another one
  kDeadline = 5,  // what was waited for did not come in time
};

struct Failure {
  ExitCode code = kFault;
  /// One sentence, or several lines; without control characters but line ends.
  std::string message;
  /// The daemon's own words, for --json; empty if it was not the daemon.
  std::string body;
  /// With --json, what was printed says it all already.
  bool is_shown = false;
};

template <typename T>
using Outcome = tl::expected<T, Failure>;

/// `return failed(kUsage, "…");` in a function that returns Outcome<T>.
inline tl::unexpected<Failure> failed(ExitCode code, std::string message, std::string body = "") {
  return tl::unexpected<Failure>(Failure{code, std::move(message), std::move(body), false});
}

/// The same, of a command that has printed its JSON, if that was asked for.
inline tl::unexpected<Failure> failed_as_shown(Failure failure) {
  failure.is_shown = true;
  return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_OUTCOME_H_
