// SPDX-License-Identifier: Apache-2.0
#include "dissect.h"

#include <cstring>

#include "packet.h"
#include "sizes.h"

namespace guideway::pktgen {
namespace {

constexpr std::uint16_t kIpv4Type = 0x0800;
constexpr std::uint16_t kIpv6Type = 0x86dd;
constexpr std::uint16_t kVlanType = 0x8100;
constexpr std::uint16_t kQinqType = 0x88a8;
constexpr std::uint8_t kIpv4InIp = 4;
constexpr std::uint8_t kIpv6InIp = 41;
constexpr std::uint8_t kGreProtocol = 47;
constexpr std::uint8_t kUdpProtocol = static_cast<std::uint8_t>(Protocol::kUdp);
constexpr unsigned kUdpLength = 8;
constexpr unsigned kVxlanLength = 8;

/// One Ethernet header with its tags: what type follows, and where. None if it is cut short.
struct Link {
  std::uint16_t type;
  ByteSpan rest;
};
std::optional<Link> read_link(ByteSpan frame) {
  if (frame.size() < kEthernetLength) return std::nullopt;
  Link link{load_be16(&frame[12]), frame.subspan(kEthernetLength)};
  for (int tags = 0; tags < 2 && (link.type == kVlanType || link.type == kQinqType); tags++) {
    if (link.rest.size() < 4) return std::nullopt;
    link.type = load_be16(&link.rest[2]);
    link.rest = link.rest.subspan(4);
  }
  return link;
}

std::optional<Family> family_of(std::uint16_t ethertype) {
  if (ethertype == kIpv4Type) return Family::kIpv4;
  if (ethertype == kIpv6Type) return Family::kIpv6;
  return std::nullopt;
}

/// An IP header in front of something: as much as is needed to look behind it.
struct Ip {
  Family family;
  ByteSpan header;  // without IPv6 extension headers
  std::uint8_t protocol;
  ByteSpan payload;  // ends where the header says
};
std::optional<Ip> read_ip(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  const unsigned version = bytes[0] >> 4;
  if (version != 4 && version != 6) return std::nullopt;
  const Family family = version == 4 ? Family::kIpv4 : Family::kIpv6;
  if (bytes.size() < ip_header_length(family)) return std::nullopt;
  if (version == 6) {
    const std::size_t length = load_be16(&bytes[4]);
    if (40 + length > bytes.size()) return std::nullopt;
    return Ip{family, bytes.first(40), bytes[6], bytes.subspan(40, length)};
  }
  const std::size_t header = (bytes[0] & 0x0fu) * 4;
  const std::size_t total = load_be16(&bytes[2]);
  const bool fragment = (load_be16(&bytes[6]) & 0x3fff) != 0;
  if (header < 20 || total < header || total > bytes.size() || fragment) return std::nullopt;
  return Ip{family, bytes.first(header), bytes[9], bytes.subspan(header, total - header)};
}

const std::uint8_t* destination_of(Family family, ByteSpan header) {
  return &header[family == Family::kIpv4 ? 16 : 24];
}

ByteSpan addresses_of(const Ip& ip) {
  return ip.family == Family::kIpv4 ? ip.header.subspan(12, 8) : ip.header.subspan(8, 32);
}

bool is_right_checksum(ByteSpan header) {
  Checksum checksum;
  checksum.add(header);
  return checksum.folded() == 0xffff;
}

/// What a tunnel carries. `announced`: the family that the tunnel's header tells, if it does.
struct Inside {
  Tunnel tunnel;
  std::optional<Family> announced;
  ByteSpan packet;
};

std::optional<Inside> open_gre(ByteSpan bytes, Faults& faults) {
  if (bytes.size() < 4) return std::nullopt;
  const std::uint16_t flags = load_be16(&bytes[0]);
  // Checksum, key and sequence number take four bytes each; all other bits are reserved.
  std::size_t length = 4;
  for (const std::uint16_t bit : {0x8000, 0x2000, 0x1000}) length += (flags & bit) != 0 ? 4 : 0;
  faults.add_if((flags & 0x4fff) != 0, Fault::kTunnelHeader);
  if (bytes.size() < length) return std::nullopt;
  return Inside{Tunnel::kGre, family_of(load_be16(&bytes[2])), bytes.subspan(length)};
}

std::optional<Inside> open_gue(ByteSpan bytes, Faults& faults) {
  if (bytes.size() < 4) return std::nullopt;
  const unsigned variant = bytes[0] >> 6;
  if (variant == 1) return Inside{Tunnel::kGue, std::nullopt, bytes};  // the IP packet itself
  const std::size_t length = 4 + (bytes[0] & 0x1fu) * 4;
  const bool is_control = (bytes[0] & 0x20) != 0;
  if (variant != 0 || is_control || bytes.size() < length) return std::nullopt;
  std::optional<Family> family;
  if (bytes[1] == kIpv4InIp) family = Family::kIpv4;
  if (bytes[1] == kIpv6InIp) family = Family::kIpv6;
  faults.add_if(!family, Fault::kTunnelHeader);
  return Inside{Tunnel::kGue, family, bytes.subspan(length)};
}

std::optional<Inside> open_vxlan(ByteSpan bytes, Faults& faults) {
  if (bytes.size() < kVxlanLength) return std::nullopt;
  faults.add_if(bytes[0] != 0x08, Fault::kTunnelHeader);
  const auto link = read_link(bytes.subspan(kVxlanLength));
  if (!link) return std::nullopt;
  return Inside{Tunnel::kVxlan, family_of(link->type), link->rest};
}

std::optional<Inside> open_udp(const Ip& outer, Faults& faults) {
  const ByteSpan datagram = outer.payload;
  if (datagram.size() < kUdpLength) return std::nullopt;
  const std::uint16_t port = load_be16(&datagram[2]);
  if (port != kVxlanPort && port != kGuePort) return std::nullopt;
  const bool has_checksum = load_be16(&datagram[6]) != 0;
  faults.add_if(load_be16(&datagram[4]) != datagram.size(), Fault::kOuterUdp);
  faults.add_if(
      has_checksum && segment_sum(Protocol::kUdp, addresses_of(outer), datagram) != 0xffff,
      Fault::kOuterUdp);
  const ByteSpan rest = datagram.subspan(kUdpLength);
  return port == kVxlanPort ? open_vxlan(rest, faults) : open_gue(rest, faults);
}

std::optional<Inside> open_tunnel(const Ip& outer, Faults& faults) {
  switch (outer.protocol) {
    case kIpv4InIp:
      return Inside{Tunnel::kIpip, Family::kIpv4, outer.payload};
    case kIpv6InIp:
      return Inside{Tunnel::kIpip, Family::kIpv6, outer.payload};
    case kGreProtocol:
      return open_gre(outer.payload, faults);
    case kUdpProtocol:
      return open_udp(outer, faults);
    default:
      return std::nullopt;
  }
}

BackendKey backend_key(Tunnel tunnel, ByteSpan address) {
  BackendKey key{tunnel, static_cast<std::uint8_t>(address.size()), {}};
  std::memcpy(key.bytes.data(), address.data(), address.size());
  return key;
}

/// Whether the bytes start with the IP header of a packet to one of our VIPs. Its lengths and
/// checksums may be wrong: that is for the sink to find.
std::optional<Family> family_if_ours(ByteSpan bytes, const FlowSpace& flows) {
  if (bytes.empty()) return std::nullopt;
  const unsigned version = bytes[0] >> 4;
  if (version != 4 && version != 6) return std::nullopt;
  const Family family = version == 4 ? Family::kIpv4 : Family::kIpv6;
  if (bytes.size() < ip_header_length(family)) return std::nullopt;
  const std::uint8_t protocol = bytes[family == Family::kIpv4 ? 9 : 6];
  if (protocol != static_cast<std::uint8_t>(flows.protocol())) return std::nullopt;
  if (!flows.is_vip(family, destination_of(family, bytes))) return std::nullopt;
  return family;
}

}  // namespace

const char* name_of(Tunnel tunnel) {
  constexpr const char* kNames[] = {"l2dsr", "ipip", "gre", "gue", "vxlan"};
  return kNames[static_cast<unsigned>(tunnel)];
}

std::string BackendKey::to_string() const {
  if (size == 6) {
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes.data(), mac.bytes.size());
    return mac.to_string();
  }
  const auto address = IpAddress::from_bytes(bytes.data(), size);
  return address ? address->to_string() : std::string("?");
}

std::optional<ClientPacket> find_client_packet(ByteSpan frame, const FlowSpace& flows) {
  const auto link = read_link(frame);
  if (!link || !family_of(link->type)) return std::nullopt;
  ClientPacket found;
  if (const auto family = family_if_ours(link->rest, flows)) {
    found.backend = backend_key(Tunnel::kNone, frame.first(6));
    found.family = *family;
    found.bytes = link->rest;
    found.faults.add_if(family_of(link->type) != family, Fault::kIpHeader);
    return found;
  }
  const auto outer = read_ip(link->rest);
  if (!outer) return std::nullopt;
  const auto inside = open_tunnel(*outer, found.faults);
  if (!inside) return std::nullopt;
  const auto family = family_if_ours(inside->packet, flows);
  if (!family) return std::nullopt;
  const std::size_t address_size = outer->family == Family::kIpv4 ? 4 : 16;
  found.backend =
      backend_key(inside->tunnel, {destination_of(outer->family, outer->header), address_size});
  found.family = *family;
  found.bytes = inside->packet;
  found.faults.add_if(inside->announced && inside->announced != family, Fault::kTunnelHeader);
  found.faults.add_if(outer->family == Family::kIpv4 && !is_right_checksum(outer->header),
                      Fault::kOuterIpChecksum);
  return found;
}

}  // namespace guideway::pktgen
