// SPDX-License-Identifier: Apache-2.0
// The clock of pacing and of stamps: monotonic, the same on both threads.
// Threading: no state.
#ifndef GUIDEWAY_TOOLS_PKTGEN_NOW_H_
#define GUIDEWAY_TOOLS_PKTGEN_NOW_H_

#include <cstdint>
#include <ctime>

namespace guideway::pktgen {

inline std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_NOW_H_
