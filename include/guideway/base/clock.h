// SPDX-License-Identifier: Apache-2.0
// The clock that flow entries are dated by, and time for people.
// Threading: no state.
#ifndef GUIDEWAY_BASE_CLOCK_H_
#define GUIDEWAY_BASE_CLOCK_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace guideway::base {

/// CLOCK_MONOTONIC_COARSE in nanoseconds: what workers and BPF share. Resolution: one kernel tick.
std::uint64_t coarse_now_ns();

/// The same in whole seconds.
std::uint32_t coarse_now_s();

/// RFC 3339 in UTC with milliseconds: "2024-05-01T12:00:00.123Z".
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_CLOCK_H_
