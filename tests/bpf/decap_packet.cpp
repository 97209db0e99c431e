// SPDX-License-Identifier: Apache-2.0
#include "decap_packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <span>
#include <stdexcept>

namespace guideway::decap::test {
namespace {

void put8(Bytes& to, unsigned value) { to.push_back(static_cast<std::uint8_t>(value)); }
void put16(Bytes& to, unsigned value) {
  put8(to, value >> 8);
  put8(to, value);
}
void put(Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
void put_address(Bytes& to, const std::string& text, int family) {
  Bytes bytes(family == 4 ? 4 : 16);
  if (inet_pton(family == 4 ? AF_INET : AF_INET6, text.c_str(), bytes.data()) != 1)
    throw std::runtime_error("no such address: " + text);
  put(to, bytes);
}

Bytes ipv4(const std::string& source, const std::string& destination, unsigned protocol,
           unsigned ecn, unsigned fragment, const Bytes& options, std::size_t payload) {
  Bytes header{static_cast<std::uint8_t>(0x45 + options.size() / 4),
               static_cast<std::uint8_t>(0xb8 | ecn)};
  put16(header, static_cast<unsigned>(20 + options.size() + payload));
  put16(header, 0x1234);
  put16(header, fragment);
  put8(header, 61);
  put8(header, protocol);
  put16(header, 0);
  put_address(header, source, 4);
  put_address(header, destination, 4);
  put(header, options);
  const unsigned checksum = ~guideway::test::internet_sum(header) & 0xffffu;
  header[10] = static_cast<std::uint8_t>(checksum >> 8);
  header[11] = static_cast<std::uint8_t>(checksum);
  return header;
}

Bytes ipv6(const std::string& source, const std::string& destination, unsigned protocol,
           unsigned ecn, std::size_t payload) {
  const unsigned traffic_class = 0xb8 | ecn;
  Bytes header;
  put16(header, 0x6000 | traffic_class << 4 | 0x5);
  put16(header, 0x4321);
  put16(header, static_cast<unsigned>(payload));
  put8(header, protocol);
  put8(header, 61);
  put_address(header, source, 6);
  put_address(header, destination, 6);
  return header;
}

std::string or_default(const std::string& given, const char* const (&defaults)[2], int family) {
  return given.empty() ? defaults[index_of(family)] : given;
}

unsigned ethertype(int family) { return family == 4 ? 0x0800 : 0x86dd; }
unsigned ip_protocol(int family) { return family == 4 ? 4 : 41; }

unsigned outer_protocol(const Tunnel& tunnel) {
  switch (tunnel.kind) {
    case Kind::kIpip:
      return ip_protocol(tunnel.inner_family);
    case Kind::kGre:
    case Kind::kGreKey:
      return 47;
    default:
      return 17;
  }
}

Bytes udp(int port, std::size_t payload) {
  Bytes header;
  put16(header, 50000);
  put16(header, static_cast<unsigned>(port));
  put16(header, static_cast<unsigned>(8 + payload));
  put16(header, 0);
  return header;
}

}  // namespace

std::string to_string(Kind kind) {
  constexpr const char* kNames[] = {"ipip", "gre", "greKey", "gue0", "gue1", "vxlan"};
  return kNames[static_cast<int>(kind)];
}

Bytes make_inner(const Inner& inner) {
  Bytes datagram = udp(6400, inner.data_length);
  for (unsigned i = 0; i < inner.data_length; ++i) put8(datagram, 'a' + i % 26);
  const std::string source = or_default(inner.source, kClient, inner.family);
  const std::string destination = or_default(inner.destination, kVip, inner.family);
  Bytes packet = inner.family == 4
                     ? ipv4(source, destination, 17, inner.ecn, 0, {}, datagram.size())
                     : ipv6(source, destination, 17, inner.ecn, datagram.size());
  put(packet, datagram);
  return packet;
}

Tunnel make_tunnel(Kind kind, int outer, int inner_family) {
  Tunnel tunnel;
  tunnel.kind = kind;
  tunnel.outer = outer;
  tunnel.inner_family = inner_family;
  tunnel.inner = make_inner({.family = inner_family});
  return tunnel;
}

Bytes tunnel_header(const Tunnel& tunnel) {
  const std::size_t size = tunnel.inner.size();
  const unsigned type = ethertype(tunnel.inner_family);
  Bytes header;
  switch (tunnel.kind) {
    case Kind::kIpip:
      break;
    case Kind::kGre:
      put16(header, 0);
      put16(header, type);
      break;
    case Kind::kGreKey:
      put16(header, 0x2000);
      put16(header, type);
      put(header, {0xde, 0xad, 0xbe, 0xef});
      break;
    case Kind::kGue0:
      header = udp(tunnel.gue_port, 4 + size);
      put(header, {0, static_cast<std::uint8_t>(ip_protocol(tunnel.inner_family)), 0, 0});
      break;
    case Kind::kGue1:
      header = udp(tunnel.gue_port, size);
      break;
    case Kind::kVxlan:
      header = udp(tunnel.vxlan_port, 8 + kEthernetLength + size);
      put(header, {0x08, 0, 0, 0, 0, 0, 100, 0});
      put(header, {0x02, 0x67, 0x77, 0, 0, 1, 0x02, 0x67, 0x77, 0, 0, 2});
      put16(header, type);
      break;
  }
  return header;
}

Bytes make_frame(const Tunnel& tunnel) { return make_frame(tunnel, tunnel_header(tunnel)); }

Bytes make_frame(const Tunnel& tunnel, const Bytes& header) {
  Bytes frame{0x02, 0, 0, 0, 0, 0x11, 0x02, 0, 0, 0, 0, 0xfe};
  put16(frame, ethertype(tunnel.outer));
  const unsigned protocol = outer_protocol(tunnel);
  const std::size_t payload = header.size() + tunnel.inner.size() + tunnel.ipv6_extensions.size();
  const std::string source = or_default(tunnel.source, kDirector, tunnel.outer);
  const std::string destination = or_default(tunnel.destination, kBackend, tunnel.outer);
  if (tunnel.outer == 4) {
    put(frame, ipv4(source, destination, protocol, tunnel.ecn, tunnel.fragment, tunnel.ipv4_options,
                    payload));
  } else {
    const unsigned first =
        tunnel.ipv6_first_header < 0 ? protocol : static_cast<unsigned>(tunnel.ipv6_first_header);
    put(frame, ipv6(source, destination, first, tunnel.ecn, payload));
    put(frame, tunnel.ipv6_extensions);
  }
  put(frame, header);
  put(frame, tunnel.inner);
  return frame;
}

Bytes decapsulated(const Bytes& frame, const Bytes& inner, int inner_family) {
  Bytes expected(frame.begin(), frame.begin() + 12);
  put16(expected, ethertype(inner_family));
  put(expected, inner);
  return expected;
}

void fix_ipv4_checksum(Bytes& bytes, std::size_t offset) {
  bytes[offset + 10] = bytes[offset + 11] = 0;
  const auto header = std::span(bytes).subspan(offset, 20);
  const unsigned checksum = ~guideway::test::internet_sum(header) & 0xffffu;
  bytes[offset + 10] = static_cast<std::uint8_t>(checksum >> 8);
  bytes[offset + 11] = static_cast<std::uint8_t>(checksum);
}

}  // namespace guideway::decap::test
