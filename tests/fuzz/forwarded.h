// SPDX-License-Identifier: Apache-2.0
// require_forwarded(): what must hold of every forwarded frame, whatever came in. It reads both
// frames by the RFCs alone and shares no code with the core.
// Threading: no state.
// Source: RFC 791 §3.1, RFC 8200 §3, RFC 2003, RFC 7348.
#ifndef GUIDEWAY_TESTS_FUZZ_FORWARDED_H_
#define GUIDEWAY_TESTS_FUZZ_FORWARDED_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/require.h"
#include "tests/support/frame.h"

namespace guideway::test {

using FrameView = std::span<const std::uint8_t>;

/// How a world's backends want their frames.
struct ForwardedShape {
  std::size_t vlans = 0;
  /// 0: no tunnel.
  int outer_family = 0;
  bool vxlan = false;
  /// Addresses and ports are translated.
  bool nat = false;

  std::size_t l2_length() const { return 14 + 4 * vlans; }
  std::size_t outer_ip_length() const {
    return outer_family == 0 ? 0 : outer_family == 4 ? 20 : 40;
  }
  /// UDP, VXLAN and Ethernet are 8, 8 and 14 bytes.
  std::size_t outer_length() const { return outer_ip_length() + (vxlan ? 30 : 0); }
};

inline std::size_t be16(FrameView bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]);
}

/// The IP packet in a frame of up to two tags, and what follows it.
inline FrameView ip_and_padding(FrameView frame) {
  std::size_t at = 12;
  while (be16(frame, at) == 0x8100 || be16(frame, at) == 0x88a8) at += 4;
  return frame.subspan(at + 2);
}

inline std::size_t ip_length(FrameView ip) {
  return ip[0] >> 4 == 4 ? be16(ip, 2) : be16(ip, 4) + 40;
}

/// `now` is `before` with its TTL one less, and a header checksum that is as right, or as wrong by
/// the same amount, as it was.
inline void require_inner(FrameView before, FrameView now) {
  const bool is_v4 = before[0] >> 4 == 4;
  const std::size_t ttl = is_v4 ? 8 : 7;
  require(now.size() == before.size(), "the inner packet is as long as it was");
  require(now[ttl] == before[ttl] - 1, "its TTL is one less");
  for (std::size_t i = 0; i < before.size(); i++) {
    if (i == ttl || (is_v4 && (i == 10 || i == 11))) continue;
    require(now[i] == before[i], "nothing else of the inner packet changes");
  }
  const std::size_t header = is_v4 ? (before[0] & 15u) * 4 : 0;
  require(internet_sum(now.first(header)) == internet_sum(before.first(header)),
          "the inner checksum is as right as it was");
}

inline void require_outer(FrameView outer, const ForwardedShape& shape) {
  const std::size_t ip_header = shape.outer_ip_length();
  if (shape.outer_family == 4) {
    require(be16(outer, 2) == outer.size(), "the outer IPv4 length is the packet's");
    require(internet_sum(outer.first(ip_header)) == 0xffff, "the outer checksum is right");
  } else {
    require(be16(outer, 4) + ip_header == outer.size(), "the outer IPv6 length is the packet's");
  }
  if (shape.vxlan) {
    require(be16(outer, ip_header + 4) + ip_header == outer.size(), "the UDP length fits");
  }
}

/// Addresses and ports are others, the TTL is one less, and the checksums are as right as they
/// were: the sum over addresses and all that follows is the same (RFC 1071).
inline void require_translated(FrameView in, FrameView out) {
  const FrameView before = ip_and_padding(in).first(ip_length(ip_and_padding(in)));
  const FrameView now = ip_and_padding(out).first(before.size());
  const bool is_v4 = before[0] >> 4 == 4;
  const std::size_t ttl = is_v4 ? 8 : 7;
  const std::size_t header = is_v4 ? (before[0] & 15u) * 4 : 40;
  const std::size_t addresses = is_v4 ? 12 : 8;
  require(now[ttl] == before[ttl] - 1, "its TTL is one less");
  require(std::ranges::equal(now.first(is_v4 ? 8 : 7), before.first(is_v4 ? 8 : 7)) &&
              std::ranges::equal(now.subspan(is_v4 ? 20 : 40, header - (is_v4 ? 20 : 40)),
                                 before.subspan(is_v4 ? 20 : 40, header - (is_v4 ? 20 : 40))),
          "nothing else of the header changes");
  if (is_v4) {
    require(internet_sum(now.first(header)) % 0xffff == internet_sum(before.first(header)) % 0xffff,
            "the IPv4 checksum is as right as it was");
  }
  const bool without_checksum = is_v4 && before[9] == 17 && be16(before, header + 6) == 0;
  require(without_checksum || internet_sum(now.subspan(addresses)) % 0xffff ==
                                  internet_sum(before.subspan(addresses)) % 0xffff,
          "the checksum is as right as it was");
}

inline void require_forwarded(FrameView in, FrameView out, const ForwardedShape& shape) {
  const FrameView ip = ip_and_padding(in);
  const FrameView packet = ip.first(ip_length(ip));
  const std::size_t start = shape.l2_length() + shape.outer_length();
  const bool is_tunnel = shape.outer_family != 0;
  const std::size_t behind = is_tunnel ? 0 : ip.size() - packet.size();
  require(out.size() == start + packet.size() + behind, "nothing is lost, nothing is added");
  const std::size_t type = be16(out, shape.l2_length() - 2);
  const bool says_v4 = is_tunnel ? shape.outer_family == 4 : packet[0] >> 4 == 4;
  require(type == (says_v4 ? 0x0800 : 0x86dd), "the EtherType says what follows");
  if (!shape.nat) require_inner(packet, out.subspan(start, packet.size()));
  require(std::ranges::equal(out.last(behind), ip.last(behind)), "padding stays as it was");
  if (shape.nat) return require_translated(in, out);
  if (is_tunnel) require_outer(out.subspan(shape.l2_length()), shape);
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_FUZZ_FORWARDED_H_
