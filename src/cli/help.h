// SPDX-License-Identifier: Apache-2.0
// What --help prints, from the table of commands.
// Threading: no state.
#ifndef GUIDEWAY_CLI_HELP_H_
#define GUIDEWAY_CLI_HELP_H_

#include <string>

#include "command.h"

namespace guideway::cli {

/// All commands.
std::string help_text();

/// One command and its options.
std::string help_text(const Command& command);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_HELP_H_
