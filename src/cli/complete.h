// SPDX-License-Identifier: Apache-2.0
// What a shell offers after a TAB: the scripts in completion/ ask for it by "guideway __complete".
// Threading: blocking for at most a second.
#ifndef GUIDEWAY_CLI_COMPLETE_H_
#define GUIDEWAY_CLI_COMPLETE_H_

#include <string>
#include <vector>

#include "daemon.h"

namespace guideway::cli {

inline constexpr const char* kCompleteWord = "__complete";

/// `words` are those of the command line after the program's name; the last is being typed. Names
/// of services, pools and backends come from the daemon, if it answers. Empty: names of files, or
/// nothing.
std::vector<std::string> completions(const std::vector<std::string>& words, const Daemon& daemon);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_COMPLETE_H_
