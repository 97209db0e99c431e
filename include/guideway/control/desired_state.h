// SPDX-License-Identifier: Apache-2.0
// DesiredState: what the operator wants, and how it came to that. The file is the base; what was
// changed since through the admin socket lies on top of it and outlives both a reload and a
// restart.
//
//   file ──> base ──(+ overlay)──> running ──> model ──> compile
//
// The overlay is kept as the difference between base and running, so it never grows beyond what it
// says. A new base gets the overlay on top again: what does not apply any more is dropped, and
// said.
// Threading: values.
#ifndef GUIDEWAY_CONTROL_DESIRED_STATE_H_
#define GUIDEWAY_CONTROL_DESIRED_STATE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/config/config.h"
#include "guideway/config/resources.h"
#include "guideway/control/change.h"
#include "guideway/control/marks.h"
#include "guideway/model/model.h"

namespace guideway::control {

/// One accepted revision.
struct Revision {
  std::uint64_t number = 0;
  WallTime time{};
  std::string change_id;
  std::string source;
  /// From the revision before to this one, with mark_changes(), and back without those.
  std::vector<config::Change> changes;
  std::vector<config::Change> undo;
};

/// A change whose own changes are taken back unless it is confirmed by then; those of others stay.
struct Unconfirmed {
  WallTime until{};
  std::uint64_t back_to = 0;  // a revision in the history
  /// What was said by hand of backends and went with the change: it comes back with them.
  Marks lost = {};
};

struct DesiredState {
  /// The history's length: "rollback" can go back so far.
  static constexpr std::size_t kMostRevisions = 20;

  /// Of the file in force.
  config::Resources base;
  config::Json rest = config::Json::object();  // its other tables
  config::Resources running;
  Marks marks;
  std::uint64_t revision = 0;
  std::deque<Revision> history;  // the newest is last
  std::optional<Unconfirmed> unconfirmed;
};

/// What became of a request, on a copy of the state.
struct Revised {
  DesiredState state;
  model::Model model;
  /// Anything at all that packets, probes or the next restart would notice.
  bool changed = false;
  /// Something for the state directory.
  bool to_save = false;
  std::vector<config::Change> changes;
  /// Changes that do not fit a new base, with the reason: sentences.
  std::vector<std::string> dropped;
  /// Of restore(): some of it is said because a text was damaged, not because it does not fit.
  bool damaged = false;
  /// What an operator had said for a time.
  std::vector<EndedNote> ended;
};

struct RevisionError {
  ChangeOutcome::Code code = ChangeOutcome::Code::kInvalid;
  std::vector<config::FieldError> errors;
};

/// `running` is the model in force; its director, capacity, admin and interfaces stay. Reads no
/// file: `file` is the loaded one if the request reloads it.
tl::expected<Revised, RevisionError> revise(const DesiredState& state, const model::Model& running,
                                            const ChangeRequest& request,
                                            const config::LoadResult* file, const Moment& now);

/// For the state directory: everything but the base, which has a text of its own, since it changes
/// with the file only and is large.
std::string to_text(const DesiredState& state);
std::string base_text(const DesiredState& state);

/// The state of a daemon that starts with `file` and finds these texts of an earlier one; empty
/// ones: there are none. What of it is damaged or does not fit is left out, and said in `dropped`.
Revised restore(const config::LoadResult& file, std::string_view text, std::string_view base,
                const Moment& now);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_DESIRED_STATE_H_
