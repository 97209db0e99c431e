// SPDX-License-Identifier: Apache-2.0
// answer_to(): what a backend would answer to a frame that it got, made by turning the frame round.
// Checksums stay as right as they were, since sums do not mind the order.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_SUPPORT_ANSWER_H_
#define GUIDEWAY_TESTS_SUPPORT_ANSWER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/support/frame.h"

namespace guideway::test {

/// None for what is not TCP or UDP right behind its IP header. `tcp_flags` replace the frame's, and
/// leave a TCP checksum as wrong as that makes it.
inline std::optional<Bytes> answer_to(Bytes frame, std::uint8_t tcp_flags) {
  std::size_t type = 12;
  const auto is = [&](std::size_t at, unsigned value) {
    return frame.size() > at + 1 && (frame[at] << 8 | frame[at + 1]) == static_cast<int>(value);
  };
  while (is(type, 0x8100) || is(type, 0x88a8)) type += 4;
  const bool v4 = is(type, 0x0800);
  const std::size_t ip = type + 2;
  if ((!v4 && !is(type, 0x86dd)) || frame.size() < ip + 60) return std::nullopt;
  const std::uint8_t protocol = frame[ip + (v4 ? 9 : 6)];
  const std::size_t l4 = ip + (v4 ? (frame[ip] & 15u) * 4 : 40);
  if ((protocol != 6 && protocol != 17) || frame.size() < l4 + 20) return std::nullopt;
  const auto at = [&](std::size_t offset) {
    return frame.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  const std::size_t size = v4 ? 4 : 16;
  const std::size_t source = ip + (v4 ? 12 : 8);
  std::swap_ranges(at(0), at(6), at(6));
  std::swap_ranges(at(source), at(source + size), at(source + size));
  std::swap_ranges(at(l4), at(l4 + 2), at(l4 + 2));
  if (protocol == 6) frame[l4 + 13] = tcp_flags;
  return frame;
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_ANSWER_H_
