// SPDX-License-Identifier: Apache-2.0
#include "packet_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core_tables.h"

namespace guideway::bench {
namespace {

constexpr std::size_t kEthernetLength = 14;
constexpr std::size_t kIpv4Length = 20;
constexpr std::size_t kIpv6Length = 40;
constexpr std::size_t kTcpLength = 20;
constexpr std::size_t kMinFrame = 60;  // without the checksum that the NIC takes off
constexpr std::uint8_t kTtl = 64;

void put16(std::uint8_t* to, std::uint32_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to + 2, value);
}

/// The checksum is left 0: forwarding changes it, but does not verify it.
void put_ipv4(std::uint8_t* ip, const IpAddress& destination) {
  ip[0] = 0x45;
  put16(ip + 2, kIpv4Length + kTcpLength);
  put16(ip + 6, 0x4000);  // don't fragment
  ip[8] = kTtl;
  ip[9] = GW_PROTO_TCP;
  std::copy_n(destination.bytes().begin(), 4, ip + 16);
}

void put_ipv6(std::uint8_t* ip, const IpAddress& destination) {
  constexpr std::array<std::uint8_t, 8> kClients = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0, 0, 0};
  ip[0] = 0x60;
  put16(ip + 4, kTcpLength);
  ip[6] = GW_PROTO_TCP;
  ip[7] = kTtl;
  std::copy(kClients.begin(), kClients.end(), ip + 8);
  std::copy_n(destination.bytes().begin(), 16, ip + 24);
}

void put_frame(std::uint8_t* frame, Family family, const IpAddress& destination,
               std::size_t tcp_offset) {
  std::copy_n("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12, frame);
  std::uint8_t* ip = frame + kEthernetLength;
  if (family == Family::kIpv4) {
    put16(frame + 12, 0x0800);
    put_ipv4(ip, destination);
  } else {
    put16(frame + 12, 0x86dd);
    put_ipv6(ip, destination);
  }
  std::uint8_t* tcp = frame + tcp_offset;
  put16(tcp + 2, kServicePort);
  tcp[12] = (kTcpLength / 4) << 4;
}

}  // namespace

Result<PacketRing> PacketRing::make(std::uint32_t size, Family family, std::uint32_t services,
                                    PageKind largest) {
  Result<Pages> pages = Pages::allocate(size * kStride, largest);
  if (!pages) return tl::unexpected(pages.error());
  return PacketRing(size, family, services, std::move(*pages));
}

PacketRing::PacketRing(std::uint32_t size, Family family, std::uint32_t services, Pages pages)
    : size_(size), templates_(services), pages_(std::move(pages)) {
  const bool v4 = family == Family::kIpv4;
  tcp_offset_ = kEthernetLength + (v4 ? kIpv4Length : kIpv6Length);
  source_offset_ = kEthernetLength + (v4 ? 12 : 8 + 12);
  frame_length_ = static_cast<std::uint32_t>(std::max(kMinFrame, tcp_offset_ + kTcpLength));
  for (std::uint32_t i = 0; i < services; i++)
    put_frame(templates_[i].data(), family, service_address(family, i), tcp_offset_);
}

void PacketRing::fill(std::uint32_t index, std::uint64_t flow, TcpFlags flags) {
  std::uint8_t* frame = buffer_at(index) + kHeadroom;
  std::memcpy(frame, templates_[flow % templates_.size()].data(), kMaxFrame);
  put32(frame + source_offset_, 0x0a000000u | (static_cast<std::uint32_t>(flow) & 0xffffff));
  put16(frame + tcp_offset_, 1024 + (static_cast<std::uint32_t>(flow >> 24) & 0x7fff));
  frame[tcp_offset_ + 13] = flags;
}

}  // namespace guideway::bench
