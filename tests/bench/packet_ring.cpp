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
void put_ipv4(std::uint8_t* ip, const IpAddress& destination, std::uint8_t protocol) {
  ip[0] = 0x45;
  put16(ip + 2, kIpv4Length + kTcpLength);
  put16(ip + 6, 0x4000);  // don't fragment
  ip[8] = kTtl;
  ip[9] = protocol;
  std::copy_n(destination.bytes().begin(), 4, ip + 16);
}

void put_ipv6(std::uint8_t* ip, const IpAddress& destination, std::uint8_t protocol) {
  constexpr std::array<std::uint8_t, 8> kClients = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0, 0, 0};
  ip[0] = 0x60;
  put16(ip + 4, kTcpLength);
  ip[6] = protocol;
  ip[7] = kTtl;
  std::copy(kClients.begin(), kClients.end(), ip + 8);
  std::copy_n(destination.bytes().begin(), 16, ip + 24);
}

void put_frame(std::uint8_t* frame, Family family, std::uint8_t protocol, std::size_t l4_offset) {
  std::copy_n("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12, frame);
  std::uint8_t* ip = frame + kEthernetLength;
  const IpAddress destination = service_address(family, 0);
  if (family == Family::kIpv4) {
    put16(frame + 12, 0x0800);
    put_ipv4(ip, destination, protocol);
  } else {
    put16(frame + 12, 0x86dd);
    put_ipv6(ip, destination, protocol);
  }
  std::uint8_t* l4 = frame + l4_offset;
  put16(l4 + 2, kServicePort);
  if (protocol == GW_PROTO_UDP)
    put16(l4 + 4, kTcpLength);  // the same length as TCP's
  else
    l4[12] = (kTcpLength / 4) << 4;
}

std::uint16_t last_two_bytes(const IpAddress& address) {
  const std::uint8_t* end = address.bytes().data() + address.size();
  return static_cast<std::uint16_t>(end[-2] << 8 | end[-1]);
}

}  // namespace

Result<PacketRing> PacketRing::make(const RingSpec& spec) {
  Result<Pages> pages = Pages::allocate(spec.size * kStride, spec.largest_pages);
  if (!pages) return tl::unexpected(pages.error());
  return PacketRing(spec, std::move(*pages));
}

PacketRing::PacketRing(const RingSpec& spec, Pages pages)
    : size_(spec.size), tcp_(), udp_(), pages_(std::move(pages)) {
  const bool v4 = spec.family == Family::kIpv4;
  l4_offset_ = kEthernetLength + (v4 ? kIpv4Length : kIpv6Length);
  source_offset_ = kEthernetLength + (v4 ? 12 : 8 + 12);
  frame_length_ = static_cast<std::uint32_t>(std::max(kMinFrame, l4_offset_ + kTcpLength));
  put_frame(tcp_.data(), spec.family, GW_PROTO_TCP, l4_offset_);
  put_frame(udp_.data(), spec.family, GW_PROTO_UDP, l4_offset_);
  for (std::uint32_t i = 0; i < spec.services; i++)
    services_.push_back(last_two_bytes(service_address(spec.family, i)));
}

std::uint8_t* PacketRing::fill_from(const Frame& frame, std::uint32_t index, std::uint64_t flow) {
  std::uint8_t* to = buffer_at(index) + kHeadroom;
  std::memcpy(to, frame.data(), kMaxFrame);
  put32(to + source_offset_, 0x0a000000u | (static_cast<std::uint32_t>(flow) & 0xffffff));
  put16(to + l4_offset_ - 2, services_[flow % services_.size()]);
  put16(to + l4_offset_, 1024 + (static_cast<std::uint32_t>(flow >> 24) & 0x7fff));
  return to + l4_offset_;
}

void PacketRing::answer(std::uint32_t index, TcpFlags flags) {
  std::uint8_t* frame = buffer_at(index) + kHeadroom;
  std::uint8_t* addresses = frame + kEthernetLength + 12;
  std::swap_ranges(addresses, addresses + 4, addresses + 4);
  std::uint8_t* ports = frame + l4_offset_;
  std::swap_ranges(ports, ports + 2, ports + 2);
  std::swap_ranges(frame, frame + 6, frame + 6);
  frame[l4_offset_ + 13] = flags;
}

}  // namespace guideway::bench
