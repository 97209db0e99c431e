// SPDX-License-Identifier: Apache-2.0
// The schedule ring: the order in which a pool's backends take turns under the schedulers other
// than maglev. Each backend stands in it as often as its weight says, spread as evenly as can be,
// so that any stretch of the ring has nearly the right shares. core/turns.h goes round it.
// Threading: no state.
#ifndef GUIDEWAY_COMPILE_SCHEDULE_RING_H_
#define GUIDEWAY_COMPILE_SCHEDULE_RING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/maglev.h"

namespace guideway::compile {

/// Backend ids, in turn; backends of weight 0 are not in it. As long as exact shares need, at most
/// `most`; if they need more, `most` long, and the shares are those of a slot table of that size.
/// Backends of equal weight keep the order in which they are named. Errors: as maglev_quotas().
/// Cost: length × ln(length).
Result<std::vector<std::uint16_t>> schedule_ring(std::span<const MaglevBackend> backends,
                                                 std::uint32_t most);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_SCHEDULE_RING_H_
