// SPDX-License-Identifier: Apache-2.0
// Waiting until a drained backend has no flow left.
// Threading: blocking.
#ifndef GUIDEWAY_CLI_DRAIN_WAIT_H_
#define GUIDEWAY_CLI_DRAIN_WAIT_H_

#include <chrono>
#include <optional>
#include <string>

#include "change.h"
#include "command.h"
#include "outcome.h"

namespace guideway::cli {

/// Tells of the drain, and then how many flows are left, until a count that began after
/// the drain finds none. Failures: at the deadline flows are left (kDeadline); the daemon is gone.
Outcome<void> wait_until_drained(const Call& call, const std::string& path, const Done& drained,
                                 std::optional<std::chrono::seconds> deadline);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_DRAIN_WAIT_H_
