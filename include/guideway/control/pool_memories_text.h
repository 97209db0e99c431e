// SPDX-License-Identifier: Apache-2.0
// What the pool guard remembers, as text and back, for the state directory: without it a pool that
// is in panic when the daemon ends would have nothing to hold, and no hysteresis. What is read back
// is hostile input.
// Threading: no state.
#ifndef GUIDEWAY_CONTROL_POOL_MEMORIES_TEXT_H_
#define GUIDEWAY_CONTROL_POOL_MEMORIES_TEXT_H_

#include <string>
#include <string_view>

#include "guideway/base/result.h"
#include "guideway/compile/pool_guard.h"

namespace guideway::control {

/// JSON.
std::string to_text(const compile::PoolMemories& memories);

/// Errors: it is not what to_text() makes, or more than a director has.
Result<compile::PoolMemories> pool_memories_of(std::string_view text);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_POOL_MEMORIES_TEXT_H_
