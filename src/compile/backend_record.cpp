// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/backend_record.h"

#include <cassert>
#include <cstring>
#include <span>

namespace guideway::compile {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kProtocolGre = 47;
constexpr std::uint8_t kOuterTtl = 64;
constexpr std::size_t kIpv4ProtocolOffset = 9;
constexpr std::size_t kIpv6NextHeaderOffset = 6;
constexpr std::size_t kIpv4SourceOffset = 12;
constexpr std::size_t kIpv6SourceOffset = 8;
constexpr std::size_t kUdpLength = 8;
constexpr std::uint8_t kVxlanVniValid = 0x08;
constexpr std::uint16_t kGreKeyPresent = 0x2000;

/// Appends to a record's template, in network order.
class Writer {
 public:
  explicit Writer(gw_backend& record) : record_(record) {}

  std::size_t size() const { return size_; }

  void u8(std::uint8_t value) { bytes({&value, 1}); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value));
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }
  void mac(const Mac& value) { bytes(value.bytes); }
  void address(const IpAddress& value) {
    bytes(std::span<const std::uint8_t>(value.bytes()).first(value.size()));
  }

 private:
  void bytes(std::span<const std::uint8_t> value) {
    assert(size_ + value.size() <= GW_TEMPLATE_SIZE);
    std::memcpy(record_.template_bytes + size_, value.data(), value.size());
    size_ += value.size();
  }

  gw_backend& record_;
  std::size_t size_ = 0;
};

/// Up to the tags; the EtherType after them follows.
void write_ethernet(Writer& writer, const NextHop& hop) {
  writer.mac(hop.destination);
  writer.mac(hop.source);
  for (std::size_t i = 0; i < hop.vlan_count; ++i) {
    writer.u16(hop.vlans[i].protocol);
    writer.u16(hop.vlans[i].id);
  }
}

/// `protocol` 0: patched by the inner packet's family. Traffic class, length and checksum are
/// patched.
void write_ipv4(Writer& writer, std::uint8_t protocol, const IpAddress& from, const IpAddress& to) {
  constexpr std::uint8_t kVersionAndHeaderWords = 0x45;
  constexpr std::uint16_t kDoNotFragment = 0x4000;
  writer.u8(kVersionAndHeaderWords);
  writer.u8(0);
  writer.u16(0);
  writer.u16(0);  // id: an atomic datagram needs none
  writer.u16(kDoNotFragment);
  writer.u8(kOuterTtl);
  writer.u8(protocol);
  writer.u16(0);
  writer.address(from);
  writer.address(to);
}

/// `next_header` 0: patched by the inner packet's family. Traffic class, flow label and length are
/// patched.
void write_ipv6(Writer& writer, std::uint8_t next_header, const IpAddress& from,
                const IpAddress& to) {
  writer.u32(6u << 28);
  writer.u16(0);
  writer.u8(next_header);
  writer.u8(kOuterTtl);
  writer.address(from);
  writer.address(to);
}

/// The sum that the checksum field is made from: 16-bit words as loaded, folded, not inverted.
std::uint16_t sum_ipv4_header(const std::uint8_t* header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, header + i, sizeof word);
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

void write_outer_ip(Writer& writer, gw_backend& record, std::uint8_t protocol,
                    const IpAddress& from, const IpAddress& to) {
  if (to.is_v4()) {
    const std::uint8_t* header = record.template_bytes + writer.size();
    write_ipv4(writer, protocol, from, to);
    record.outer_checksum = sum_ipv4_header(header);
    record.flags |= GW_BACKEND_OUTER_4;
  } else {
    write_ipv6(writer, protocol, from, to);
    record.flags |= GW_BACKEND_OUTER_6;
  }
}

/// Source port and length are patched; the checksum stays 0, over IPv6 too.
void write_udp(Writer& writer, std::uint16_t port) {
  writer.u16(0);
  writer.u16(port);
  writer.u16(0);
  writer.u16(0);
}

/// VXLAN and the inner Ethernet header, whose EtherType is patched.
void write_vxlan(Writer& writer, const model::Vxlan& vxlan) {
  writer.u32(std::uint32_t{kVxlanVniValid} << 24);
  writer.u32(vxlan.vni << 8);
  writer.mac(vxlan.inner_mac);
  writer.mac(kInnerSourceMac);
  writer.u16(0);
}

/// The EtherType behind the flags is patched.
void write_gre(Writer& writer, const model::Gre& gre) {
  writer.u16(gre.key ? kGreKeyPresent : std::uint16_t{0});
  writer.u16(0);
  if (gre.key) writer.u32(*gre.key);
}

/// Variant 0, a data message without optional fields; the inner protocol in its second byte is
/// patched.
void write_gue(Writer& writer) { writer.u32(0); }

IpAddress outer_source(const Destination& destination, const NextHop& hop) {
  return destination.source ? *destination.source : hop.preferred_source;
}

/// What the outer IP header says of itself; 0: the inner packet follows.
std::uint8_t outer_protocol(model::Forwarding forwarding) {
  using enum model::Forwarding;
  if (forwarding == kGre) return kProtocolGre;
  return forwarding == kVxlan || forwarding == kGue ? kProtocolUdp : 0;
}

/// The headers between the outer IP header and the inner packet. Returns where in them the inner
/// packet's kind is patched. REQUIRES: not kL2Dsr, not kIpip.
std::size_t write_between(Writer& writer, gw_backend& record, const Destination& destination) {
  const std::size_t start = writer.size();
  switch (destination.forwarding) {
    case model::Forwarding::kVxlan:
      write_udp(writer, destination.vxlan->port);
      write_vxlan(writer, *destination.vxlan);
      record.flags |= GW_BACKEND_OUTER_UDP | GW_BACKEND_INNER_ETHERTYPE;
      return writer.size() - start - 2;
    case model::Forwarding::kGre:
      write_gre(writer, destination.gre.value_or(model::Gre{}));
      record.flags |= GW_BACKEND_INNER_ETHERTYPE;
      return 2;
    default:
      write_udp(writer, destination.gue.value_or(model::Gue{}).port);
      write_gue(writer);
      record.flags |= GW_BACKEND_OUTER_UDP;
      return kUdpLength + 1;
  }
}

void write_tunnel(Writer& writer, gw_backend& record, const Destination& destination,
                  const IpAddress& source) {
  const std::size_t start = writer.size();
  const std::uint8_t protocol = outer_protocol(destination.forwarding);
  write_outer_ip(writer, record, protocol, source, destination.address);
  std::size_t patched = destination.address.is_v4() ? kIpv4ProtocolOffset : kIpv6NextHeaderOffset;
  if (protocol != 0) {
    patched = writer.size() - start;
    patched += write_between(writer, record, destination);
  }
  record.outer_length = static_cast<std::uint8_t>(writer.size() - start);
  record.inner_protocol_offset = static_cast<std::uint8_t>(patched);
}

bool is_tunnel(model::Forwarding forwarding) {
  return forwarding != model::Forwarding::kL2Dsr && forwarding != model::Forwarding::kNat;
}

/// What packets are translated to, behind the longest Ethernet header.
void write_translation(gw_backend& record, const Destination& destination) {
  const std::uint8_t port[2] = {static_cast<std::uint8_t>(destination.port >> 8),
                                static_cast<std::uint8_t>(destination.port)};
  const auto& address = destination.address.bytes();
  record.is_nat = 1;
  std::memcpy(record.template_bytes + GW_NAT_TEMPLATE_ADDRESS, address.data(), address.size());
  std::memcpy(record.template_bytes + GW_NAT_TEMPLATE_PORT, port, sizeof port);
}

Result<void> check(const Destination& destination) {
  if (!is_tunnel(destination.forwarding)) return {};
  if (destination.source && destination.source->family() != destination.address.family()) {
    return base::fail("source " + destination.source->to_string() + " and backend address " +
                      destination.address.to_string() +
                      " are of different families: take a source of the backends' family");
  }
  if (destination.forwarding == model::Forwarding::kVxlan && !destination.vxlan) {
    return base::fail("forwarding is vxlan, but the vxlan settings are missing: add them");
  }
  return {};
}

}  // namespace

std::string obstacle(const Destination& destination, const NextHop& hop) {
  if (hop.state != NextHop::State::kResolved) return describe(hop);
  if (!is_tunnel(destination.forwarding)) return "";
  const IpAddress source = outer_source(destination, hop);
  if (source.family() != destination.address.family() || source.is_unspecified()) {
    return "no source address: the kernel's route to " + destination.address.to_string() +
           " prefers none";
  }
  return "";
}

Result<gw_backend> make_backend_record(const Destination& destination, const NextHop& hop) {
  if (const Result<void> checked = check(destination); !checked) {
    return tl::unexpected(checked.error());
  }
  gw_backend record{};
  record.flags = GW_BACKEND_USED;
  if (destination.forwarding == model::Forwarding::kNat) write_translation(record, destination);
  if (!obstacle(destination, hop).empty()) return record;

  Writer writer(record);
  write_ethernet(writer, hop);
  const bool tunnelled = is_tunnel(destination.forwarding);
  // Without a tunnel the EtherType is the packet's own, and patched.
  const std::uint16_t outer_type = destination.address.is_v4() ? kEtherTypeIpv4 : kEtherTypeIpv6;
  writer.u16(tunnelled ? outer_type : std::uint16_t{0});
  record.l2_length = static_cast<std::uint8_t>(writer.size());
  if (tunnelled) write_tunnel(writer, record, destination, outer_source(destination, hop));
  record.interface_index = hop.interface_index;
  record.mtu = hop.mtu;
  record.flags |= GW_BACKEND_RESOLVED;
  return record;
}

std::optional<IpAddress> outer_source_of(const gw_backend& record) {
  const bool is_v4 = (record.flags & GW_BACKEND_OUTER_4) != 0;
  if (!is_v4 && (record.flags & GW_BACKEND_OUTER_6) == 0) return std::nullopt;
  const std::uint8_t* header = record.template_bytes + record.l2_length;
  const auto source =
      IpAddress::from_bytes(header + (is_v4 ? kIpv4SourceOffset : kIpv6SourceOffset),
                            is_v4 ? std::size_t{4} : std::size_t{16});
  return source ? std::optional(*source) : std::nullopt;
}

}  // namespace guideway::compile
