// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/version.h"

namespace guideway::base {

const char* const kVersion = GUIDEWAY_VERSION;

}  // namespace guideway::base
