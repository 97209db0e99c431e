// SPDX-License-Identifier: Apache-2.0
// What a service's backends need in order to take its packets: commands for their hosts.
// docs/operations.md and docs/decapsulator.md say why.
// Threading: blocking; no state.
#ifndef GUIDEWAY_CLI_BACKEND_NEEDS_H_
#define GUIDEWAY_CLI_BACKEND_NEEDS_H_

#include <map>
#include <string>
#include <vector>

#include "daemon.h"
#include "json.h"
#include "outcome.h"

namespace guideway::cli {

/// Where the director's tunnel packets come from, by backend's name.
using Sources = std::map<std::string, std::string>;

/// Lines for a shell on a backend. `service` and `pool` are configurations. A source that the pool
/// names counts; those of `sources` if it names none. What nobody knows stands as DIRECTOR.
std::vector<std::string> backend_commands(const Json& service, const Json& pool,
                                          const Sources& sources);

/// The same from what the daemon says of the service's pool.
Outcome<std::vector<std::string>> backend_needs(const Daemon& daemon, const Json& service);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_BACKEND_NEEDS_H_
