// SPDX-License-Identifier: Apache-2.0
// What a service's backends need in order to take its packets: commands for their hosts.
// docs/operations.md and docs/decapsulator.md say why.
// Threading: blocking; no state.
#ifndef GUIDEWAY_CLI_BACKEND_NEEDS_H_
#define GUIDEWAY_CLI_BACKEND_NEEDS_H_

#include <string>
#include <vector>

#include "daemon.h"
#include "json.h"
#include "outcome.h"

namespace guideway::cli {

/// Lines for a shell on a backend. `service` and `pool` are configurations; `source` is where the
/// director's tunnel packets come from, or empty if nobody knows.
std::vector<std::string> backend_commands(const Json& service, const Json& pool,
                                          const std::string& source);

/// The address that an outer header in hexadecimal digits (Ethernet, perhaps a VLAN tag, IP) comes
/// from; empty if it is none.
std::string outer_source(const std::string& header);

/// The same from what the daemon says of the service's pool, and of a packet for the service.
Outcome<std::vector<std::string>> backend_needs(const Daemon& daemon, const Json& service);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_BACKEND_NEEDS_H_
