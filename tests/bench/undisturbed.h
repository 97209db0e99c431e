// SPDX-License-Identifier: Apache-2.0
// A measurement that is taken again while the hypervisor gave the CPUs' time to somebody else.
// Threading: functions of their arguments; they read /proc/stat.
#ifndef GUIDEWAY_TESTS_BENCH_UNDISTURBED_H_
#define GUIDEWAY_TESTS_BENCH_UNDISTURBED_H_

#include <chrono>

namespace guideway::bench {

/// Time that the hypervisor took away from all CPUs of this machine, since the start.
std::chrono::milliseconds stolen_time();

/// Whether so much of that is too much within `elapsed`: more than a hundredth. It is counted in
/// ticks of mostly 10 ms, so in less than a second one is too much.
bool is_too_much(std::chrono::milliseconds stolen, std::chrono::milliseconds elapsed);

/// `measure()`, repeated up to three times while too much was stolen during it; counts that in
/// `repeated`.
template <typename Measure>
auto undisturbed(unsigned& repeated, Measure measure) {
  using Clock = std::chrono::steady_clock;
  constexpr int kMost = 3;
  for (int again = 0;; again++) {
    const auto stolen_before = stolen_time();
    const auto start = Clock::now();
    auto measured = measure();
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    if (again == kMost || !is_too_much(stolen_time() - stolen_before, elapsed)) return measured;
    repeated++;
  }
}

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_UNDISTURBED_H_
