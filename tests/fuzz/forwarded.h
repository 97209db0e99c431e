// SPDX-License-Identifier: Apache-2.0
// require_forwarded(), require_error_about(): what must hold of every forwarded frame, and of every
// ICMP error of our own, whatever came in. They read both frames by the RFCs alone and shares no
// code with the core. Threading: no state. Source: RFC 791 §3.1, RFC 8200 §3, RFC 2003, RFC 7348,
// RFC 792, RFC 1812 §4.3.2, RFC 4443, RFC 9293 §3.1.
#ifndef GUIDEWAY_TESTS_FUZZ_FORWARDED_H_
#define GUIDEWAY_TESTS_FUZZ_FORWARDED_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "guideway/core/layout.h"
#include "tests/fuzz/require.h"
#include "tests/support/frame.h"

namespace guideway::test {

using FrameView = std::span<const std::uint8_t>;

/// How a world's backends want their frames.
struct ForwardedShape {
  std::size_t vlans = 0;
  /// 0: no tunnel.
  int outer_family = 0;
  /// UDP after the outer IP header.
  bool udp = false;
  /// Everything between the outer IP header and the inner packet.
  std::size_t between = 0;
  /// Addresses and ports are translated.
  bool nat = false;
  /// And the backends are told the client's by a TCP option.
  bool toa = false;

  std::size_t l2_length() const { return 14 + 4 * vlans; }
  std::size_t outer_ip_length() const {
    return outer_family == 0 ? 0 : outer_family == 4 ? 20 : 40;
  }
  std::size_t outer_length() const { return outer_ip_length() + between; }
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
  std::size_t changes = 0;
  for (std::size_t i = 0; i < before.size(); i++) {
    if (i == ttl || (is_v4 && (i == 10 || i == 11))) continue;
    if (now[i] != before[i]) changes++;
  }
  // An ICMP error's MTU may have been raised: two bytes, and its checksum.
  const std::uint8_t protocol = is_v4 ? before[9] : before[6];
  const bool is_plain = protocol == GW_PROTO_TCP || protocol == GW_PROTO_UDP;
  require(changes <= (is_plain ? 0u : 4u), "nothing else of the inner packet changes");
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
  if (shape.udp) {
    require(be16(outer, ip_header + 4) + ip_header == outer.size(), "the UDP length fits");
  }
}

/// Addresses and ports are others, the TTL is one less, and the checksums are as right as they
/// were: the sum over addresses and all that follows is the same (RFC 1071), but for a length that
/// has grown by `added`; of ICMP over IPv4, that over its message alone.
inline void require_translated(FrameView in, FrameView out, std::size_t added = 0) {
  const FrameView before = ip_and_padding(in).first(ip_length(ip_and_padding(in)));
  const FrameView now = ip_and_padding(out).first(before.size() + added);
  const bool is_v4 = before[0] >> 4 == 4;
  const std::size_t ttl = is_v4 ? 8 : 7;
  const std::size_t header = is_v4 ? (before[0] & 15u) * 4 : 40;
  const std::size_t addresses = is_v4 ? 12 : 8;
  const std::size_t length = is_v4 ? 2 : 4;
  require(now[ttl] == before[ttl] - 1, "its TTL is one less");
  require(be16(now, length) == be16(before, length) + added, "its length is the packet's");
  require(std::ranges::equal(now.first(length), before.first(length)) &&
              std::ranges::equal(now.subspan(length + 2, ttl - length - 2),
                                 before.subspan(length + 2, ttl - length - 2)) &&
              std::ranges::equal(now.subspan(is_v4 ? 20 : 40, header - (is_v4 ? 20 : 40)),
                                 before.subspan(is_v4 ? 20 : 40, header - (is_v4 ? 20 : 40))),
          "nothing else of the header changes");
  if (is_v4) {
    require(internet_sum(now.first(header)) % 0xffff == internet_sum(before.first(header)) % 0xffff,
            "the IPv4 checksum is as right as it was");
  }
  const bool without_checksum = is_v4 && before[9] == 17 && be16(before, header + 6) == 0;
  const std::size_t covered = is_v4 && before[9] == GW_PROTO_ICMP ? header : addresses;
  const auto grown = static_cast<std::uint32_t>(added);  // TCP's pseudo-header has the length, too
  require(without_checksum || internet_sum(now.subspan(covered), grown) % 0xffff ==
                                  internet_sum(before.subspan(covered)) % 0xffff,
          "the checksum is as right as it was");
}

/// No option of the TCP header is a TOA, as far as they can be read.
inline void require_no_toa(FrameView options) {
  for (std::size_t at = 0; at + 1 < options.size() && options[at] != 0;) {
    if (options[at] == 1) {
      at++;
      continue;
    }
    if (options[at + 1] < 2 || at + options[at + 1] > options.size()) return;
    require(options[at] != 253 && options[at] != 254, "a client cannot say whose it is");
    at += options[at + 1];
  }
}

/// The TCP packet `in` has become `out` on its way to a backend, which is told the client's port
/// and address by the first option if `added` bytes are more; nothing of the stream changes.
inline void require_told(FrameView in, FrameView out, std::size_t added) {
  const FrameView before = ip_and_padding(in).first(ip_length(ip_and_padding(in)));
  const FrameView now = ip_and_padding(out).first(before.size() + added);
  const bool is_v4 = before[0] >> 4 == 4;
  const std::size_t size = is_v4 ? 4 : 16;
  require(added == 0 || added == size + 4, "an option has a family's length");
  if (!is_v4 && before[6] != GW_PROTO_TCP) return;  // behind extension headers
  const std::size_t tcp = is_v4 ? (before[0] & 15u) * 4 : 40;
  const std::size_t was = (before[tcp + 12] >> 4) * 4u;
  const std::size_t is = (now[tcp + 12] >> 4) * 4u;
  require(is == was + added, "the data offset says where the data begin");
  if (added != 0) {
    const FrameView option = now.subspan(tcp + 20, added);
    require(option[0] == (is_v4 ? 254 : 253) && option[1] == added, "it is first");
    require(std::ranges::equal(option.subspan(2, 2), before.subspan(tcp, 2)), "the client's port");
    require(std::ranges::equal(option.subspan(4), before.subspan(is_v4 ? 12 : 8, size)),
            "the client's address");
  }
  require_no_toa(now.subspan(tcp + 20 + added, was - 20));
  require(std::ranges::equal(now.subspan(tcp + 4, 8), before.subspan(tcp + 4, 8)) &&
              now[tcp + 13] == before[tcp + 13] &&
              std::ranges::equal(now.subspan(tcp + is), before.subspan(tcp + was)),
          "sequence numbers, flags and data stay");
}

inline void require_forwarded(FrameView in, FrameView out, const ForwardedShape& shape) {
  const FrameView ip = ip_and_padding(in);
  const FrameView packet = ip.first(ip_length(ip));
  const std::size_t start = shape.l2_length() + shape.outer_length();
  const bool is_tunnel = shape.outer_family != 0;
  const std::size_t behind = is_tunnel ? 0 : ip.size() - packet.size();
  const std::size_t least = start + packet.size() + behind;
  require(out.size() >= least && (shape.toa || out.size() == least),
          "nothing is lost, nothing is added");
  const std::size_t type = be16(out, shape.l2_length() - 2);
  const bool says_v4 = is_tunnel ? shape.outer_family == 4 : packet[0] >> 4 == 4;
  require(type == (says_v4 ? 0x0800 : 0x86dd), "the EtherType says what follows");
  if (!shape.nat) require_inner(packet, out.subspan(start, packet.size()));
  require(std::ranges::equal(out.last(behind), ip.last(behind)), "padding stays as it was");
  if (shape.toa && (packet[0] >> 4 == 4 ? packet[9] : packet[6]) == GW_PROTO_TCP)
    require_told(in, out, out.size() - least);
  if (shape.nat) return require_translated(in, out, out.size() - least);
  if (is_tunnel) require_outer(out.subspan(shape.l2_length()), shape);
}

/// An ICMP error of our own about the frame: to its sender, right in every length and checksum.
/// `has_toa`: of a quoted TCP packet only what its options, if they are a client's own TOA, do not
/// change.
inline void require_error_about(FrameView in, FrameView out, bool has_toa = false) {
  require(std::ranges::equal(out.first(6), in.subspan(6, 6)),
          "it goes to where the frame came from");
  require(std::ranges::equal(out.subspan(6, 6), in.first(6)), "it comes from where the frame went");
  const FrameView before = ip_and_padding(in);
  const FrameView now = ip_and_padding(out);
  const bool is_v4 = before[0] >> 4 == 4;
  require(ip_length(now) == now.size(), "its IP length is the packet's");
  require(now.size() <= (is_v4 ? 576u : 1280u), "it is as short as it has to be");
  const std::size_t source = is_v4 ? 12 : 8, size = is_v4 ? 4 : 16, header = is_v4 ? 20 : 40;
  const FrameView addresses = before.subspan(source, 2 * size);
  require(std::ranges::equal(now.subspan(source, size), addresses.last(size)), "from the VIP");
  require(std::ranges::equal(now.subspan(source + size, size), addresses.first(size)),
          "to the client");
  const FrameView message = now.subspan(header);
  const FrameView quote = message.subspan(8);
  const std::size_t same = has_toa ? std::min(quote.size(), header + 16) : quote.size();
  require(std::ranges::equal(quote.first(same), before.first(same)), "it quotes the packet");
  if (is_v4) {
    require(internet_sum(now.first(header)) == 0xffff, "its IP checksum is right");
    require(internet_sum(message) == 0xffff, "its ICMP checksum is right");
  } else {
    std::vector<std::uint8_t> summed(addresses.begin(), addresses.end());
    const std::uint8_t pseudo[] = {0,
                                   0,
                                   static_cast<std::uint8_t>(message.size() >> 8),
                                   static_cast<std::uint8_t>(message.size()),
                                   0,
                                   0,
                                   0,
                                   GW_PROTO_ICMPV6};
    summed.insert(summed.end(), std::begin(pseudo), std::end(pseudo));
    summed.insert(summed.end(), message.begin(), message.end());
    require(internet_sum(summed) == 0xffff, "its ICMPv6 checksum is right");
  }
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_FUZZ_FORWARDED_H_
