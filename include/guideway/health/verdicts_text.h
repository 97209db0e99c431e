// SPDX-License-Identifier: Apache-2.0
// Verdicts as text and back, for the state directory. What is read back is hostile input.
// Threading: no state.
#ifndef GUIDEWAY_HEALTH_VERDICTS_TEXT_H_
#define GUIDEWAY_HEALTH_VERDICTS_TEXT_H_

#include <string>
#include <string_view>

#include "guideway/base/result.h"
#include "guideway/health/verdict.h"

namespace guideway::health {

/// JSON; those that are decided only.
std::string to_text(const Verdicts& verdicts);

/// Errors: it is not what to_text() makes. Nothing but healthy and unhealthy comes back.
Result<Verdicts> verdicts_of(std::string_view text);

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_VERDICTS_TEXT_H_
