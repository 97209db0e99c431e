// SPDX-License-Identifier: Apache-2.0
// Where the fields of the memory that kept_flows.h describes are, written down a second time: tests
// damage it at a known place, and put right checksums over what they have forged. When one of these
// figures has to change, so does kKeptFlowsVersion.
// Threading: functions of their arguments.
#ifndef GUIDEWAY_TESTS_SUPPORT_KEPT_FLOWS_LAYOUT_H_
#define GUIDEWAY_TESTS_SUPPORT_KEPT_FLOWS_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace guideway::test {

// The fixed part.
inline constexpr std::size_t kVersionAt = 8;
inline constexpr std::size_t kShardsAt = 12;
inline constexpr std::size_t kBackendsAt = 20;
inline constexpr std::size_t kDirectorAt = 40;
inline constexpr std::size_t kFixedChecksumAt = 104;
inline constexpr std::size_t kFixedBytes = 112;

// A copy: its head, then its records.
inline constexpr std::size_t kGenerationAt = 0;
inline constexpr std::size_t kCopyChecksumAt = 8;
inline constexpr std::size_t kCountAt = 16;
inline constexpr std::size_t kHeadBytes = 24;
inline constexpr std::size_t kRecordBytes = 188;

// A record.
inline constexpr std::size_t kNameBytes = 64;
inline constexpr std::size_t kPoolAt = 0;
inline constexpr std::size_t kNameAt = 64;
inline constexpr std::size_t kAddressAt = 128;
inline constexpr std::size_t kNetworkAt = 160;
inline constexpr std::size_t kIdAt = 164;
inline constexpr std::size_t kTunnelPortAt = 168;
inline constexpr std::size_t kTimeoutAt = 170;
inline constexpr std::size_t kFamilyAt = 178;
inline constexpr std::size_t kSourceFamilyAt = 179;
inline constexpr std::size_t kForwardingAt = 180;
inline constexpr std::size_t kFlagsAt = 181;

template <typename T>
T get(std::span<const std::byte> memory, std::size_t at) {
  T value;
  std::memcpy(&value, memory.data() + at, sizeof value);
  return value;
}
template <typename T>
void put(std::span<std::byte> memory, std::size_t at, T value) {
  std::memcpy(memory.data() + at, &value, sizeof value);
}

inline std::size_t copy_at(std::uint32_t backends, unsigned copy) {
  return kFixedBytes + copy * (kHeadBytes + backends * kRecordBytes);
}

/// FNV-1a, 64 bits.
inline std::uint64_t fnv(std::span<const std::byte> bytes) {
  std::uint64_t sum = 14695981039346656037U;
  for (const std::byte byte : bytes) {
    sum ^= std::to_integer<std::uint64_t>(byte);
    sum *= 1099511628211U;
  }
  return sum;
}

/// Puts right the checksum of the copy at `at`, if it has one: its records lie within `memory`.
inline void seal_copy(std::span<std::byte> memory, std::size_t at) {
  if (memory.size() < at + kHeadBytes) return;
  const std::size_t count = get<std::uint32_t>(memory, at + kCountAt);
  if ((memory.size() - at - kHeadBytes) / kRecordBytes < count) return;
  const std::uint64_t parts[] = {
      fnv(memory.subspan(at + kGenerationAt, 8)) ^ fnv(memory.subspan(at + kCountAt, 4)),
      fnv(memory.subspan(at + kHeadBytes, count * kRecordBytes))};
  put(memory, at + kCopyChecksumAt, fnv(std::as_bytes(std::span(parts))));
}

/// Puts right all checksums, whatever the fields are.
inline void seal(std::span<std::byte> memory) {
  if (memory.size() < kFixedBytes) return;
  put(memory, kFixedChecksumAt, fnv(memory.first(kFixedChecksumAt)));
  const auto backends = get<std::uint32_t>(memory, kBackendsAt);
  for (unsigned copy = 0; copy < 2; ++copy) seal_copy(memory, copy_at(backends, copy));
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_KEPT_FLOWS_LAYOUT_H_
