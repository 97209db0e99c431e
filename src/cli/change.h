// SPDX-License-Identifier: Apache-2.0
// One write: with the revision that was read before it, and what its answer says to people.
// Threading: blocking; no state.
#ifndef GUIDEWAY_CLI_CHANGE_H_
#define GUIDEWAY_CLI_CHANGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "command.h"
#include "json.h"
#include "outcome.h"

namespace guideway::cli {

struct Change {
  std::string method;
  /// "/v1/pools/web".
  std::string path;
  /// "confirm_within=60s", or empty.
  std::string query;
  /// Empty: none.
  std::string body;
  std::string content_type = "application/json";
};

/// A change that was accepted.
struct Done {
  Json answer;
  /// The revision that it was made for: if it is still that, nothing has changed.
  std::uint64_t before = 0;
};

/// --if-revision, or none. Failures (kUsage): it is no number.
Outcome<std::optional<std::uint64_t>> asked_revision(const Call& call);

/// Reads the revision at `read_first`, unless --if-revision gives one, and sends the change for
/// that revision, with --dry-run if it is given.
Outcome<Done> send_change(const Call& call, const std::string& read_first, const Change& change);
Outcome<Done> send_change(const Call& call, std::uint64_t revision, const Change& change);

/// Prints what a change's answer says.
void tell(const Call& call, const Done& done);
/// send_change() and tell().
Outcome<void> change_and_tell(const Call& call, const std::string& read_first,
                              const Change& change);

/// A line for each change of a list: "  patch pools/web/backends/b1".
std::string changes_text(const Json& changes);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_CHANGE_H_
