// SPDX-License-Identifier: Apache-2.0
// A ring of packet buffers as a NIC would fill it: 2,176 bytes apart, one frame of minimal size
// each. Flow numbers become addresses and ports: each flow number another flow. Threading: one
// thread.
#ifndef GUIDEWAY_TESTS_BENCH_PACKET_RING_H_
#define GUIDEWAY_TESTS_BENCH_PACKET_RING_H_

#include <array>
#include <cstdint>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/core/port_native.h"
#include "pages.h"

namespace guideway::bench {

enum TcpFlags : std::uint8_t { kSyn = 0x02, kAck = 0x10, kSynAck = 0x12 };

/// What a ring's frames are.
struct RingSpec {
  std::uint32_t size = 4096;
  Family family = Family::kIpv4;
  /// That the flows are spread over.
  std::uint32_t services = 1;
  PageKind largest_pages = PageKind::kHuge;
};

class PacketRing {
 public:
  /// As in an mbuf of DPDK: 128 bytes in front, for the outer header, and 2,048 with the frame.
  static constexpr std::size_t kHeadroom = 128;
  static constexpr std::size_t kStride = 2048 + kHeadroom;

  static Result<PacketRing> make(const RingSpec& spec);

  std::uint32_t size() const { return size_; }
  PageKind page_kind() const { return pages_.kind(); }
  /// The frame as received: filling has put it back where the last rewrite has moved it from.
  gw_packet view(std::uint32_t index) const {
    std::uint8_t* buffer = buffer_at(index);
    std::uint8_t* data = buffer + kHeadroom;
    return {data, data + frame_length_, buffer, buffer + kStride, 0};
  }
  /// Writes the frame of `flow` (below 2^39) into a buffer.
  void fill(std::uint32_t index, std::uint64_t flow, TcpFlags flags) {
    fill_from(tcp_, index, flow)[13] = flags;
  }
  void fill_udp(std::uint32_t index, std::uint64_t flow) { fill_from(udp_, index, flow); }
  /// Makes of a translated frame (IPv4, TCP) what its backend answers it by.
  void answer(std::uint32_t index, TcpFlags flags);

 private:
  PacketRing(const RingSpec& spec, Pages pages);
  std::uint8_t* buffer_at(std::uint32_t index) const {
    return static_cast<std::uint8_t*>(pages_.data()) + index * kStride;
  }

  static constexpr std::size_t kMaxFrame = 80;
  using Frame = std::array<std::uint8_t, kMaxFrame>;

  /// Returns where the TCP or UDP header is.
  std::uint8_t* fill_from(const Frame& frame, std::uint32_t index, std::uint64_t flow);

  std::uint32_t size_;
  std::uint32_t frame_length_;
  std::uint32_t source_offset_;  // of the four bytes that the flow number enters
  std::uint32_t l4_offset_;      // before it the last two bytes of the destination address
  Frame tcp_;                    // to the first service
  Frame udp_;
  std::vector<std::uint16_t> services_;  // the last two bytes of each one's address
  Pages pages_;
};

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_PACKET_RING_H_
