// SPDX-License-Identifier: Apache-2.0
// One request to the daemon's socket and its answer.
// Threading: blocking; no state.
#ifndef GUIDEWAY_CLI_CLIENT_H_
#define GUIDEWAY_CLI_CLIENT_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::cli {

struct Answer {
  unsigned status = 0;
  std::string body;
};

/// GET `target` from the Unix socket at `path`, within 10 s. Errors: nobody there, no permission.
Result<Answer> get(const std::string& path, const std::string& target);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_CLIENT_H_
