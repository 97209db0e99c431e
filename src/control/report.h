// SPDX-License-Identifier: Apache-2.0
// What the controller says happened, as events: each with the facts that programs look for.
// Threading: the control thread.
#ifndef GUIDEWAY_CONTROL_REPORT_H_
#define GUIDEWAY_CONTROL_REPORT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "build.h"
#include "guideway/base/log_limit.h"
#include "guideway/base/result.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/control/marks.h"
#include "guideway/events/event_log.h"
#include "guideway/health/checker.h"
#include "guideway/model/model.h"

namespace guideway::control {

/// What led to a generation.
enum class Cause { kStart, kReload, kAdmin, kRollback, kExpiry, kNetworkOrHealth };
/// Of ChangeRequest::source; of a build that nobody has asked for, kNetworkOrHealth.
Cause cause_of(const Build& build);

/// A generation is in force.
void report_generation(events::EventLog& events, std::uint64_t generation,
                       const std::string& change_id, Cause cause,
                       std::chrono::steady_clock::duration took);
/// What was asked for is as it is already, or is of no matter to packets.
void report_unchanged(events::EventLog& events, std::uint64_t generation,
                      const std::string& change_id, Cause cause);

/// Of what happens to many at once, so many have an event each; one more says how many others.
constexpr std::size_t kMostSingly = 100;

/// A change was refused, and why (at most kMostSingly, and how many more errors); `generation`
/// stays.
void report_refused(events::EventLog& events, const Build& build, std::uint64_t generation);

void report_health(events::EventLog& events, const health::Change& change);

/// What the operator wants otherwise of backends (membership, state, weight, health by hand): each
/// of the first kMostSingly, and how many more.
void report_states(events::EventLog& events, const model::Model& before, const model::Model& now,
                   const std::string& change_id);

/// Pools that have begun to panic, do something else about it, or are out of it. `before` may be
/// null.
void report_panic(events::EventLog& events, const model::Model& model,
                  const compile::ForwardingState* before, const compile::ForwardingState& now);

/// Backends that packets cannot be sent to, or can again, for the kernel's routes and neighbours.
/// `unreachable` are those of which that has been said. What `limit` does not allow is left out,
/// and said with a later generation if it still holds.
void report_reachable(events::EventLog& events, const compile::ForwardingState& now,
                      std::set<model::BackendKey>& unreachable, base::LogLimit& limit);

/// Of the changes on top of the file, these do not fit: a sentence each. At most kMostSingly, and
/// how many more.
void report_dropped(events::EventLog& events, const std::string& change_id,
                    const std::vector<std::string>& dropped);
/// What an earlier daemon has left in the state directory is not good: a sentence.
void report_unusable(events::EventLog& events, const std::string& what);
/// Something that an operator said for a time is over. At most kMostSingly, and how many more.
void report_ended(events::EventLog& events, const std::string& change_id,
                  const std::vector<EndedNote>& ended);

/// The last flows of these removed backends have ended. At most kMostSingly, and how many more.
void report_free_ids(events::EventLog& events,
                     const std::map<std::uint16_t, compile::BackendIds::Entry>& freed);

/// Something about addresses failed, and is tried again every second: said once, until it is
/// another fault (`last`) or over.
void report_fault(events::EventLog& events, const Result<void>& result, std::string& last);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_REPORT_H_
