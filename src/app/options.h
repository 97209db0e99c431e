// SPDX-License-Identifier: Apache-2.0
// guidewayd's command line.
// Threading: no state.
#ifndef GUIDEWAY_APP_OPTIONS_H_
#define GUIDEWAY_APP_OPTIONS_H_

#include <optional>
#include <string>

#include "guideway/base/result.h"

namespace guideway::app {

struct Options {
  enum class Action { kRun, kCheck, kDetach, kHelp, kVersion };
  Action action = Action::kRun;
  std::string config_file;
  bool verbose = false;
};

Result<Options> parse_options(int argc, const char* const* argv);

/// What --help prints.
std::string help_text();

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_OPTIONS_H_
