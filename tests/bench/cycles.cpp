// SPDX-License-Identifier: Apache-2.0
#include "cycles.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

namespace guideway::bench {
namespace {

double middle_of(const std::vector<double>& sorted) {
  return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  const auto at = values.begin() + index;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return middle_of(values);
}

Summary median_interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t count = values.size();
  double outside = 0;
  double term = std::pow(0.5, static_cast<double>(count));
  std::size_t rank = 0;
  while (rank < count / 2 && outside + term <= 0.025) {
    outside += term;
    term *= static_cast<double>(count - rank) / static_cast<double>(rank + 1);
    rank++;
  }
  if (rank > 0) rank--;
  return {middle_of(values), values[rank], values[count - 1 - rank]};
}

double measure_tsc_hz(unsigned milliseconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const std::uint64_t first = cycles_now();
  const Clock::time_point until = start + std::chrono::milliseconds(milliseconds);
  while (Clock::now() < until) {
  }
  const std::uint64_t last = cycles_now();
  const std::chrono::duration<double> seconds = Clock::now() - start;
  return static_cast<double>(last - first) / seconds.count();
}

bool pin_to_cpu(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

std::vector<unsigned> highest_cpus(unsigned most) {
  std::vector<unsigned> found;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return found;
  for (unsigned cpu = CPU_SETSIZE; cpu-- > 0 && found.size() < most;)
    if (CPU_ISSET(cpu, &set)) found.push_back(cpu);
  return found;
}

unsigned default_cpu() {
  const std::vector<unsigned> highest = highest_cpus(1);
  return highest.empty() ? 0 : highest.front();
}

std::uint64_t interruptions() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

}  // namespace guideway::bench
