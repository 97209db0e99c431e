// SPDX-License-Identifier: Apache-2.0
// Time in cycles of the TSC, and what a row of measurements comes to.
// Threading: functions of their arguments; each core has its own TSC, so stay on one core.
// Source: Paoloni, How to Benchmark Code Execution Times on Intel IA-32 and IA-64, 2010.
#ifndef GUIDEWAY_TESTS_BENCH_CYCLES_H_
#define GUIDEWAY_TESTS_BENCH_CYCLES_H_

#include <x86intrin.h>

#include <cstdint>
#include <vector>

namespace guideway::bench {

/// No later instruction starts before, no earlier one ends after.
inline std::uint64_t cycles_now() {
  unsigned cpu = 0;
  const std::uint64_t now = __rdtscp(&cpu);
  _mm_lfence();
  return now;
}

/// Likewise, and what was stored before has left the store buffer: it is not paid for afterwards.
inline std::uint64_t cycles_after_stores() {
  _mm_mfence();
  return cycles_now();
}

/// The compiler must assume that what is behind the pointer is read here, so it has to be made.
inline void keep(const void* pointer) { asm volatile("" ::"r"(pointer) : "memory"); }

/// A median and its 95 % interval.
struct Summary {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// The value below which `share` (0 to 1) of the values lie. REQUIRES: not empty.
double quantile(std::vector<double> values, double share);
/// Of an even number of values: the mean of the two in the middle. REQUIRES: not empty.
double median(std::vector<double> values);
/// The median with its 95 % interval: the order statistics that enclose it by the binomial
/// distribution; the lowest and the highest value where there are too few. REQUIRES: not empty.
Summary median_interval(std::vector<double> values);

/// TSC cycles a second, measured against the monotonic clock for `milliseconds`.
double measure_tsc_hz(unsigned milliseconds);

/// Keeps the calling thread on one CPU; false if it is not allowed there.
bool pin_to_cpu(unsigned cpu);
/// The highest CPUs that this thread may use, at most so many, from above: interrupts mostly go to
/// the lowest.
std::vector<unsigned> highest_cpus(unsigned most);
unsigned default_cpu();
/// How often the kernel has taken the CPU away from this process.
std::uint64_t interruptions();

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_CYCLES_H_
