// SPDX-License-Identifier: Apache-2.0
// Build: one change on its way to a forwarding state. It travels to the helper thread and back, so
// it holds values only.
// Threading: the functions run on the helper thread and touch nothing but their arguments.
#ifndef GUIDEWAY_CONTROL_BUILD_H_
#define GUIDEWAY_CONTROL_BUILD_H_

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guideway/compile/compile.h"
#include "guideway/control/change.h"
#include "guideway/control/controller.h"
#include "guideway/control/desired_state.h"
#include "guideway/control/state_dir.h"
#include "guideway/model/model.h"

namespace guideway::control {

/// What an operator asked for; a build for the kernel's or the checks' sake has none.
struct Asked {
  ChangeRequest request;
  OnOutcome done;
  /// Before make_model(): what is in force. After it: what is to be.
  std::shared_ptr<const DesiredState> desired;
  /// The file's tables differ from those in force, so its text is to be saved.
  bool base_changed = false;
  Revised revised;  // without state and model, which have their own places
  ChangeOutcome outcome;
};

struct Build {
  std::string change_id;
  std::optional<Asked> asked;
  /// Nothing that packets see is to change: no generation of its own.
  bool nothing_to_compile = false;
  compile::Input input;
  /// Complete sentences; when there is one, nothing is to be applied.
  std::vector<std::string> errors;
  std::optional<compile::Output> output;
  std::chrono::steady_clock::duration took{};

  bool failed() const { return !errors.empty(); }
  bool dry_run() const { return asked && asked->request.dry_run; }
};

struct Controller::Resolving {
  Build build;
  std::set<IpAddress> fresh;
  std::chrono::steady_clock::time_point deadline;
};

/// Makes the model that is asked for out of input.model, the running one. Reads the file if that is
/// asked for. REQUIRES: build.asked.
void make_model(Build& build, const LoadModel& load);
/// Makes the output from the input.
void compile_input(Build& build);
/// Writes what was asked for to the state directory (null: nowhere); then has `datapath` prepare
/// the output. What is saved holds from then on, also if the daemon is killed before it is
/// published. `before` is put back if the datapath refuses.
void save_and_prepare(Build& build, const StateDir* state_dir, const DesiredState& before,
                      datapath::Datapath& datapath);

/// Names in the state directory.
inline constexpr const char* kDesiredFile = "desired";
inline constexpr const char* kBaseFile = "file";

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_BUILD_H_
