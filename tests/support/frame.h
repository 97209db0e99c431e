// SPDX-License-Identifier: Apache-2.0
// Frame: one packet in a buffer of its own, with room in front and behind, so that AddressSanitizer
// sees a single byte read or written outside. And make_frame(), a small builder of ordinary
// packets. Threading: values.
#ifndef GUIDEWAY_TESTS_SUPPORT_FRAME_H_
#define GUIDEWAY_TESTS_SUPPORT_FRAME_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "guideway/core/port_native.h"

namespace guideway::test {

using Bytes = std::vector<std::uint8_t>;

/// What DPDK leaves in front of a frame (RTE_PKTMBUF_HEADROOM).
inline constexpr std::size_t kHeadroom = 128;

class Frame {
 public:
  /// The allocation is exactly `headroom` bytes, the frame, `tailroom` bytes.
  explicit Frame(std::span<const std::uint8_t> bytes, std::size_t headroom = kHeadroom,
                 std::size_t tailroom = 0);

  gw_packet* packet() { return &packet_; }
  /// What the frame holds now.
  Bytes bytes() const { return {packet_.data, packet_.end}; }
  /// Whether [data, end) lies within the buffer.
  bool is_inside_buffer() const;

 private:
  std::unique_ptr<std::uint8_t[]> buffer_;
  gw_packet packet_{};
};

/// A packet of one flow. IPv4 addresses use the first four bytes.
struct FrameSpec {
  std::uint8_t family = GW_FAMILY_4;
  std::uint8_t protocol = GW_PROTO_TCP;
  std::array<std::uint8_t, 16> source{192, 0, 2, 7};
  std::array<std::uint8_t, 16> destination{203, 0, 113, 10};
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 80;
  std::uint8_t tcp_flags = 0x02;  // SYN
  std::uint8_t ttl = 57;
  std::uint32_t sequence = 1;
  std::uint32_t acknowledgement = 0;
  std::uint16_t data_length = 0;
};

/// A spec whose client is 2001:db8:7::7 and whose VIP is 2001:db8:203::10.
FrameSpec ipv6_spec();

/// The frame, with a right IPv4 checksum; the L4 checksum is 0.
Bytes make_frame(const FrameSpec& spec);

/// One's complement sum of `bytes` as big-endian words, folded, not inverted (RFC 1071).
std::uint16_t internet_sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_FRAME_H_
