// SPDX-License-Identifier: Apache-2.0
// Input: a fuzz target's input as a little program, read piece by piece. Threading: a value.
#ifndef GUIDEWAY_TESTS_FUZZ_INPUT_H_
#define GUIDEWAY_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace guideway::test {

/// Byte by byte; 0 when it has ended.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }
  /// Little-endian, of up to 8 bytes.
  std::uint64_t take(std::size_t size) {
    std::uint64_t value = 0;
    const std::span<const std::uint8_t> taken = take_bytes(size);
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
  }
  std::span<const std::uint8_t> take_bytes(std::size_t size) {
    const std::span<const std::uint8_t> taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_FUZZ_INPUT_H_
