// SPDX-License-Identifier: Apache-2.0
// Marks: what an operator has said about a backend for a time, beside its configuration: health by
// hand, a deadline of its drain, a time to live. They end by themselves.
// Threading: values.
#ifndef GUIDEWAY_CONTROL_MARKS_H_
#define GUIDEWAY_CONTROL_MARKS_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guideway/config/resources.h"
#include "guideway/model/model.h"

namespace guideway::control {

/// What holds over restarts is dated by the wall clock.
using WallTime = std::chrono::system_clock::time_point;
/// A time to live begins anew with each start, so it goes by a clock that nobody sets: a step of
/// the wall clock must not end them all at once.
using SteadyTime = std::chrono::steady_clock::time_point;

/// Now, by both.
struct Moment {
  WallTime wall{};
  SteadyTime steady{};

  static Moment now() { return {WallTime::clock::now(), SteadyTime::clock::now()}; }
  friend Moment operator+(Moment moment, std::chrono::seconds time) {
    return {moment.wall + time, moment.steady + time};
  }
};

struct Mark {
  model::Forced forced = model::Forced::kNone;
  std::optional<WallTime> forced_until;  // none: until told otherwise
  std::optional<WallTime> drain_until;
  bool reset_at_deadline = false;
  /// The deadline has passed with reset_at_deadline.
  bool resets_flows = false;
  /// Removed when this has passed; each PUT of the backend sets it anew.
  std::optional<std::chrono::seconds> ttl;
  std::optional<SteadyTime> ttl_until;

  friend bool operator==(const Mark&, const Mark&) = default;
  bool empty() const { return *this == Mark{}; }
};

/// Pool and backend, by name.
using MarkKey = std::pair<std::string, std::string>;
using Marks = std::map<MarkKey, Mark>;

/// One request about a backend's marks.
struct MarkChange {
  enum class What {
    kForceUp,
    kForceDown,
    kAuto,   // by the checks again
    kDrain,  // state "drain", with a deadline if there is a time
    kKeep,   // state "enabled" or "disabled": no deadline any more
    kRenew,  // the time to live begins anew; without a time there is none
  };
  MarkKey backend;
  What what = What::kAuto;
  std::optional<std::chrono::seconds> time;
  bool reset = false;  // kDrain: what becomes of the flows that are left at the deadline
};

/// Carries it out; the state of the backend itself is changed by a config::Change beside it.
void apply(const MarkChange& change, const Moment& now, Marks& marks);

/// Drops marks of backends that are not there any more, and says whose.
std::vector<MarkKey> drop_orphans(const config::Resources& resources, Marks& marks);

/// What of `before` is in `now` no more, or is otherwise.
Marks lost_marks(const Marks& before, const Marks& now);

/// Puts back what was lost of backends that are in `now` and were not in `before`, and deadlines of
/// drains that are again. Times to live begin anew.
void return_marks(const Marks& lost, const config::Resources& before, const config::Resources& now,
                  SteadyTime time, Marks& marks);

/// Forgets deadlines of drains that are over, since the backend's state is another one now.
void drop_ended_drains(const config::Resources& resources, Marks& marks);

/// What packets notice of other marks, as changes of the backends that are in `resources`: patches
/// of "forced" ("up", "down", null) and "resets_flows". To be read; they cannot be applied.
std::vector<config::Change> mark_changes(const Marks& before, const Marks& now,
                                         const config::Resources& resources);

/// Writes forced and resets_flows into the model's backends.
void apply_to_model(const Marks& marks, model::Model& model);

/// Something that an operator had said for a time, and is over.
struct EndedNote {
  /// Whose; empty names: the whole configuration's.
  MarkKey backend;
  /// A sentence: "its health is by the checks again".
  std::string text;
};

/// What has ended by `now`: the marks change, and backends whose time to live is over are deleted.
struct Ended {
  std::vector<config::Change> deletions;
  Marks marks;  // as they are from now on
  std::vector<EndedNote> notes;
};
std::optional<Ended> end_marks(const Marks& marks, const Moment& now);

config::Json to_json(const Marks& marks);
/// Hostile input: errors are sentences. Times to live begin anew at `now`.
Result<Marks> marks_of(const config::Json& json, SteadyTime now);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_MARKS_H_
