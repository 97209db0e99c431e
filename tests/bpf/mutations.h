// SPDX-License-Identifier: Apache-2.0
// Packets for fuzzing: ordinary ones of a few flows, and what becomes of them when bytes change.
// The same seed makes the same packets. Threading: one thread.
#ifndef GUIDEWAY_TESTS_BPF_MUTATIONS_H_
#define GUIDEWAY_TESTS_BPF_MUTATIONS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/frame.h"

namespace guideway::test {

class Mutations {
 public:
  /// `examples`: more packets to start from. Frames are `shortest` to `longest` bytes.
  Mutations(std::uint64_t seed, const std::vector<Bytes>& examples, std::size_t shortest,
            std::size_t longest)
      : random_(seed), examples_(examples), shortest_(shortest), longest_(longest) {}

  /// Uniform in [0, limit).
  std::size_t below(std::size_t limit);
  std::uint64_t word() { return random_(); }
  /// Mostly packets of known flows, whole or changed; some noise.
  Bytes next();

 private:
  Bytes ordinary();
  Bytes noise();
  void change(Bytes& frame);

  std::mt19937_64 random_;
  const std::vector<Bytes>& examples_;
  const std::size_t shortest_;
  const std::size_t longest_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_BPF_MUTATIONS_H_
