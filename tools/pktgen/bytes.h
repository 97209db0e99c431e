// SPDX-License-Identifier: Apache-2.0
// Bytes of packets: reading and writing in network order, the Internet checksum, and a mixing
// function for everything here that has to look random and be repeatable.
// Threading: no state.
// Source: RFC 1071 (checksum); Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014 (mix).
#ifndef GUIDEWAY_TOOLS_PKTGEN_BYTES_H_
#define GUIDEWAY_TOOLS_PKTGEN_BYTES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace guideway::pktgen {

static_assert(std::endian::native == std::endian::little, "the byte order below is swapped");

using ByteSpan = std::span<const std::uint8_t>;

inline std::uint16_t load_be16(const std::uint8_t* from) {
  return static_cast<std::uint16_t>(from[0] << 8 | from[1]);
}

inline std::uint32_t load_be32(const std::uint8_t* from) {
  return std::uint32_t{load_be16(from)} << 16 | load_be16(from + 2);
}

inline void store_be16(std::uint8_t* to, std::uint32_t value) {
  const std::uint16_t swapped = __builtin_bswap16(static_cast<std::uint16_t>(value));
  std::memcpy(to, &swapped, sizeof swapped);
}

inline void store_be32(std::uint8_t* to, std::uint32_t value) {
  const std::uint32_t swapped = __builtin_bswap32(value);
  std::memcpy(to, &swapped, sizeof swapped);
}

/// The Internet checksum of what was added. Every piece but the last has an even length.
class Checksum {
 public:
  void add(ByteSpan bytes) {
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 4; at += 4, left -= 4) {
      std::uint32_t word = 0;
      std::memcpy(&word, at, sizeof word);
      sum_ += word;  // in memory order: the sum of swapped words is the swapped sum (RFC 1071 §2)
    }
    std::uint32_t rest = 0;
    if (left != 0) std::memcpy(&rest, at, left);
    sum_ += rest;
  }
  void add_be16(std::uint16_t value) { sum_ += __builtin_bswap16(value); }

  /// The sum without the final inversion, in host order: 0xffff if a right checksum was added too.
  std::uint16_t folded() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return __builtin_bswap16(static_cast<std::uint16_t>(sum));
  }
  /// What stands in a header, in host order.
  std::uint16_t value() const { return static_cast<std::uint16_t>(~folded()); }

 private:
  std::uint64_t sum_ = 0;
};

/// 64 bits, each of which depends on each bit of `value`; a bijection.
inline std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_BYTES_H_
