// SPDX-License-Identifier: Apache-2.0
// The tool without its main(): arguments to exit code.
// Threading: blocking; one thread.
#ifndef GUIDEWAY_CLI_RUN_H_
#define GUIDEWAY_CLI_RUN_H_

#include <string>
#include <vector>

#include "command.h"

namespace guideway::cli {

/// Does what `arguments`, without the program's name, say. Returns the exit code.
int run(const std::vector<std::string>& arguments, Surroundings& around);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_RUN_H_
