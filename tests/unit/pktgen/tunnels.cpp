// SPDX-License-Identifier: Apache-2.0
#include "tunnels.h"

#include "small_run.h"

namespace guideway::pktgen::test {
namespace {

void put16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

Bytes joined(const Bytes& first, const Bytes& second) {
  Bytes both = first;
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

Bytes ip_packet_of(const Bytes& frame) {
  const bool is_ipv4 = frame[14] >> 4 == 4;
  const std::size_t length =
      is_ipv4 ? frame[16] << 8 | frame[17] : 40 + (frame[18] << 8 | frame[19]);
  return {frame.begin() + 14, frame.begin() + 14 + static_cast<std::ptrdiff_t>(length)};
}

Bytes in_ip(const Outer& outer, const Bytes& payload) {
  Bytes frame = {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 0, 2};
  put16(frame, outer.family == 4 ? 0x0800 : 0x86dd);
  if (outer.family == 4) {
    put16(frame, 0x4500);
    put16(frame, 20 + payload.size());
    frame = joined(frame,
                   {0, 0, 0x40, 0, 64, outer.protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, outer.backend});
    fix_ipv4_checksum(frame);
    return joined(frame, payload);
  }
  frame = joined(frame, {0x60, 0, 0, 0});
  put16(frame, payload.size());
  frame = joined(frame, {outer.protocol, 64});
  frame = joined(frame, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  frame = joined(frame, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, outer.backend});
  return joined(frame, payload);
}

Bytes in_udp(std::uint16_t port, const Bytes& payload) {
  Bytes datagram = {0xc0, 0x01};
  put16(datagram, port);
  put16(datagram, 8 + payload.size());
  put16(datagram, 0);
  return joined(datagram, payload);
}

std::uint8_t inner_protocol(const Bytes& packet) { return packet[0] >> 4 == 4 ? 4 : 41; }

Bytes ethertype(const Bytes& packet) {
  return packet[0] >> 4 == 4 ? Bytes{0x08, 0x00} : Bytes{0x86, 0xdd};
}

}  // namespace guideway::pktgen::test
