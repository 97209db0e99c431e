// SPDX-License-Identifier: Apache-2.0
// Build: one change on its way to a forwarding state. It travels to the helper thread and back, so
// it holds values only.
// Threading: the functions run on any thread and touch nothing but their arguments.
#ifndef GUIDEWAY_CONTROL_BUILD_H_
#define GUIDEWAY_CONTROL_BUILD_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "guideway/compile/compile.h"
#include "guideway/control/controller.h"
#include "guideway/model/model.h"

namespace guideway::control {

struct Build {
  std::string change_id;
  /// The model comes from the file, not from the generation before.
  bool from_file = false;
  compile::Input input;
  /// Complete sentences; when there is one, nothing is to be applied.
  std::vector<std::string> errors;
  std::optional<compile::Output> output;
  std::chrono::steady_clock::duration took{};
};

/// Replaces input.model, the running one, by the file's; refuses what needs a restart.
void load_file(Build& build, const LoadModel& load);
/// Makes the output from the input.
void compile_input(Build& build);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_BUILD_H_
