// SPDX-License-Identifier: Apache-2.0
// A change that an operator asks for, by file or by socket, and what came of it.
// Threading: values.
#ifndef GUIDEWAY_CONTROL_CHANGE_H_
#define GUIDEWAY_CONTROL_CHANGE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/config/resources.h"
#include "guideway/control/marks.h"

namespace guideway::control {

/// Everything that is set is part of one change, which happens whole or not at all. In this order:
/// the file, the rollback or the taking back, the replacement, the changes, the marks.
struct ChangeRequest {
  /// Stands in answer, events and log; empty: one is made up.
  std::string change_id;
  /// "file", "api", "rollback", "expiry", "start".
  std::string source = "api";
  /// Only if the running revision is this one.
  std::optional<std::uint64_t> if_revision;
  /// Checks everything and changes nothing; the outcome has a plan.
  bool dry_run = false;

  bool reload_file = false;
  /// Services and pools as they were in this revision; 0: in the one before the last, or, while a
  /// change waits for its confirmation, what take_back does.
  std::optional<std::uint64_t> rollback_to;
  std::optional<config::Resources> replacement;
  /// The same as it came, read on the helper thread: a configuration file in TOML, whose other
  /// tables must be as they run, or an object with services and pools in JSON.
  std::optional<std::string> replacement_file;
  std::optional<std::string> replacement_json;
  std::vector<config::Change> changes;
  std::vector<MarkChange> marks;

  /// Taken back unless confirmed within this time.
  std::optional<std::chrono::seconds> confirm_within;
  /// Keeps what waits for it.
  bool confirm = false;

  /// Of the controller's own: nobody has confirmed in time; marks that are over.
  bool take_back = false;
  bool end_marks = false;
};

struct PoolPlan {
  std::string pool;
  std::uint32_t slots = 0;
  /// Slots whose backend changes; flows that are not in the flow table move with them.
  std::uint32_t slots_moved = 0;
};

struct RemovalPlan {
  config::ResourcePath path;
  std::uint32_t live_flows = 0;
};

/// A service that goes away, or gets another pool: its flows do not stay.
struct ServicePlan {
  std::string service;
  IpAddress address;
  std::uint16_t port = 0;
  std::string protocol;  // "tcp", "udp"
  std::string from_pool;
  std::string to_pool;  // empty: it goes away
  /// Of the whole old pool, which other services may have, too: an upper bound.
  std::uint64_t live_flows_at_most = 0;
};

/// What a change would do.
struct Plan {
  std::vector<PoolPlan> pools;
  std::vector<RemovalPlan> removed;
  std::vector<ServicePlan> services;
  /// Of the live flows; negative: not counted yet.
  std::int64_t live_flows_age_s = -1;
  /// model::remarks() on what it would be then.
  std::vector<std::string> notes;
};

struct ChangeOutcome {
  enum class Code {
    kDone,
    kConflict,   // if_revision names another revision
    kMalformed,  // what came is not even readable
    kInvalid,    // a rule would be broken
    kNotFound,   // there is no such resource
    kUnfit,      // does not fit the state: nothing to confirm, a restart is needed
    kNotSaved,   // the state directory could not be written
    kBusy,       // too many changes wait
  };
  Code code = Code::kDone;
  /// What is in force after it.
  std::uint64_t revision = 0;
  std::uint64_t generation = 0;
  std::string change_id;
  /// What it made of what ran before; empty: nothing.
  std::vector<config::Change> changes;
  std::vector<config::FieldError> errors;
  std::optional<Plan> plan;  // of a dry run
};

/// From the file to what runs.
struct FileDifference {
  std::vector<config::Change> changes;
  /// Keys of other tables that differ: they need a restart.
  std::vector<std::string> restart_keys;
  /// Of what runs.
  std::uint64_t revision = 0;
  /// Why the file cannot be compared; sentences.
  std::vector<std::string> errors;
};

using OnOutcome = std::function<void(const ChangeOutcome&)>;

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_CHANGE_H_
