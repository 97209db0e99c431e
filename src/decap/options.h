// SPDX-License-Identifier: Apache-2.0
// guideway-decap's command line.
// Threading: values.
#ifndef GUIDEWAY_DECAP_OPTIONS_H_
#define GUIDEWAY_DECAP_OPTIONS_H_

#include <string>

#include "guideway/base/result.h"
#include "guideway/decap/attachment.h"

namespace guideway::decap {

struct Options {
  enum class Action { kAttach, kDetach, kStatus, kVersion, kHelp };
  Action action = Action::kHelp;
  Place place;
  /// For attach: all but the host's addresses, and without --local also without outer destinations.
  Settings settings;
  Mode mode = Mode::kAuto;
  bool json = false;
};

Result<Options> parse_options(int argc, const char* const* argv);
std::string help_text();

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_OPTIONS_H_
