// SPDX-License-Identifier: Apache-2.0
// Files that the operator names, as the calling user may read and write them.
// Threading: no state.
#ifndef GUIDEWAY_CLI_FILES_H_
#define GUIDEWAY_CLI_FILES_H_

#include <string>

#include "outcome.h"

namespace guideway::cli {

/// A file that fits into a request: at most 1 MiB, which is the daemon's limit. Failures (kUsage):
/// larger, not to be read.
Outcome<std::string> read_small_file(const std::string& path);

/// Puts a file with these bytes in the place of `path`, whole or not at all; a new one is for its
/// owner alone, an old one's mode stays.
Outcome<void> write_whole_file(const std::string& path, const std::string& bytes);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_FILES_H_
