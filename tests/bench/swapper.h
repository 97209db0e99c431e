// SPDX-License-Identifier: Apache-2.0
// Swapper: another weight of another backend, so many times a second: each a generation that is
// compiled and published beside whoever is measured.
// Threading: one thread makes, starts and stops it; the generations are its thread's in between.
#ifndef GUIDEWAY_TESTS_BENCH_SWAPPER_H_
#define GUIDEWAY_TESTS_BENCH_SWAPPER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "core_tables.h"
#include "guideway/base/result.h"

namespace guideway::bench {

class Swapper {
 public:
  using Publish = std::function<Result<void>(const compile::ForwardingStatePtr&)>;

  /// `generations` outlives this. On the CPU `cpu`. REQUIRES: per_s > 0.
  Swapper(Generations& generations, unsigned per_s, unsigned cpu, Publish publish);

  void start();
  void stop();

  /// Of all its time so far; 0: it has not been started. Errors: a generation could not be made, or
  /// there were fewer than 90 % of them.
  Result<double> swaps_per_s() const;

 private:
  void run();

  Generations& generations_;
  const unsigned per_s_;
  const unsigned cpu_;
  const Publish publish_;
  std::thread thread_;
  std::atomic<bool> is_over_{false};
  std::uint64_t swaps_ = 0;
  double seconds_ = 0;
  std::optional<std::string> problem_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_SWAPPER_H_
