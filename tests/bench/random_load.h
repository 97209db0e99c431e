// SPDX-License-Identifier: Apache-2.0
// How long the processor waits for one cache line of a table: what no program that handles one
// packet after another can go below, since a flow's bucket is such a line.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_BENCH_RANDOM_LOAD_H_
#define GUIDEWAY_TESTS_BENCH_RANDOM_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "guideway/base/result.h"
#include "pages.h"

namespace guideway::bench {

/// A chain of loads through `lines` random cache lines of a memory of `bytes`, on pages of 4 KB as
/// a BPF map's; each load's address is what the one before has brought.
class RandomLoad {
 public:
  static Result<RandomLoad> make(std::size_t bytes, std::uint32_t lines);
  /// Nanoseconds a load: the mean of as many as take some milliseconds, when all lines have been
  /// touched.
  double sample();

 private:
  explicit RandomLoad(Pages pages) : pages_(std::move(pages)) {}
  void follow(std::uint64_t loads);

  Pages pages_;
  std::uint32_t lines_ = 0;
  std::uint64_t at_ = 0;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_RANDOM_LOAD_H_
