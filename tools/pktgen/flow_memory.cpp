// SPDX-License-Identifier: Apache-2.0
#include "flow_memory.h"

namespace guideway::pktgen {
namespace {

constexpr std::uint16_t kHasMoved = 0x8000;

}  // namespace

FlowMemory::Seen FlowMemory::see(const Mark& mark, std::uint16_t backend) {
  Entry& entry = entries_[mark.flow];
  Seen seen;
  if (entry.backend == 0) {
    entry = {.backend = backend, .window = 1, .highest = mark.sequence};
    seen.first_of_flow = true;
    return seen;
  }
  const std::uint16_t moved_before = entry.backend & kHasMoved;
  if ((entry.backend & ~kHasMoved) != backend) {
    seen.moved = true;
    seen.flow_moved = moved_before == 0;
    entry.backend = backend | kHasMoved;
  }
  see_sequence(entry, mark.sequence, seen);
  return seen;
}

void FlowMemory::see_sequence(Entry& entry, std::uint32_t sequence, Seen& seen) {
  const std::uint32_t ahead = sequence - entry.highest;
  const std::uint32_t behind = entry.highest - sequence;
  if (ahead != 0 && ahead < behind) {
    entry.window =
        ahead < kWindow ? static_cast<std::uint16_t>(entry.window << ahead | 1) : std::uint16_t{1};
    entry.highest = sequence;
    return;
  }
  if (behind < kWindow) {
    const auto bit = static_cast<std::uint16_t>(1u << behind);
    seen.duplicate = (entry.window & bit) != 0;
    entry.window |= bit;
  }
  seen.late = !seen.duplicate;
  seen.late_by = seen.late ? behind : 0;
}

}  // namespace guideway::pktgen
