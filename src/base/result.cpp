// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/result.h"

#include <cstring>

namespace guideway::base {

tl::unexpected<Error> fail_errno(const std::string& what, int error_number) {
  char buffer[128];
  return fail(what + ": " + strerror_r(error_number, buffer, sizeof buffer));
}

}  // namespace guideway::base
