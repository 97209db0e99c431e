// SPDX-License-Identifier: Apache-2.0
// Random: SplitMix64's numbers, which cost the untimed part of a benchmark little.
// Threading: a value.
#ifndef GUIDEWAY_TESTS_BENCH_RANDOM_H_
#define GUIDEWAY_TESTS_BENCH_RANDOM_H_

#include <cstdint>

#include "guideway/core/port_native.h"
// port_native.h must come before the other core headers.
#include "guideway/core/hash.h"

namespace guideway::bench {

class Random {
 public:
  explicit Random(std::uint64_t seed = 1) : state_(seed) {}
  /// 0 to limit - 1. REQUIRES: 0 < limit <= 2^32.
  std::uint32_t below(std::uint64_t limit) {
    state_ += 0x9e3779b97f4a7c15u;
    return static_cast<std::uint32_t>((gw_spread(state_) >> 32) * limit >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_RANDOM_H_
