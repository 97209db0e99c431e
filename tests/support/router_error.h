// SPDX-License-Identifier: Apache-2.0
// router_error(): what a router would say of a frame: unreachable, too big, and so on. Its
// checksums are not right, which nobody on the way asks for. Threading: no state.
#ifndef GUIDEWAY_TESTS_SUPPORT_ROUTER_ERROR_H_
#define GUIDEWAY_TESTS_SUPPORT_ROUTER_ERROR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/support/frame.h"

namespace guideway::test {

/// An ICMP error to the frame's sender, by the way that the frame came, from `quoted` bytes at most
/// behind its IP header. `choice` chooses kind and sender: some router, or whom the frame was for.
/// None for what is no IP packet.
inline std::optional<Bytes> router_error(const Bytes& frame, std::uint8_t choice,
                                         std::size_t quoted) {
  std::size_t type = 12;
  const auto is = [&](std::size_t at, unsigned value) {
    return frame.size() > at + 1 && (frame[at] << 8 | frame[at + 1]) == static_cast<int>(value);
  };
  while (is(type, 0x8100) || is(type, 0x88a8)) type += 4;
  const bool v4 = is(type, 0x0800);
  const std::size_t ip = type + 2;
  const std::size_t header = v4 ? 20 : 40;
  if ((!v4 && !is(type, 0x86dd)) || frame.size() < ip + header) return std::nullopt;
  const auto part = [&](std::size_t from, std::size_t size) {
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(from);
    return Bytes(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
  const auto append = [](Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  const std::size_t size = v4 ? 4 : 16;
  const Bytes quote = part(ip, std::min(frame.size() - ip, header + quoted));
  Bytes error = part(6, 6);
  append(error, part(0, 6));
  append(error, part(12, ip - 12));
  const std::size_t length = (v4 ? header : 0) + 8 + quote.size();
  const auto high = static_cast<std::uint8_t>(length >> 8), low = static_cast<std::uint8_t>(length);
  if (v4)
    append(error, {0x45, 0, high, low, 0, 7, 0, 0, 60, 1, 0x12, 0x34});
  else
    append(error, {0x60, 0, 0, 0, high, low, 58, 60});
  Bytes sender = part(ip + (v4 ? 16 : 24), size);
  if (choice & 1) sender[size - 1] ^= 0x55;
  append(error, sender);
  append(error, part(ip + (v4 ? 12 : 8), size));
  const std::uint8_t kinds[] = {3, 3, 11, 12};
  append(error, {v4 ? kinds[choice >> 1 & 3] : static_cast<std::uint8_t>(1 + (choice >> 1 & 3)),
                 v4 ? std::uint8_t{4} : std::uint8_t{0}, 0xab, 0xcd, 0, 0,
                 static_cast<std::uint8_t>(choice >> 3), static_cast<std::uint8_t>(choice)});
  append(error, quote);
  return error;
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_ROUTER_ERROR_H_
