// SPDX-License-Identifier: Apache-2.0
// Tunnel packets for the decapsulator's tests, written down from the RFCs, independent of bpf/.
// Threading: values.
// Source: RFC 791, RFC 8200, RFC 2784, RFC 2890, draft-ietf-intarea-gue-09, RFC 7348.
#ifndef GUIDEWAY_TESTS_BPF_DECAP_PACKET_H_
#define GUIDEWAY_TESTS_BPF_DECAP_PACKET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/frame.h"

namespace guideway::decap::test {

using guideway::test::Bytes;

enum class Kind { kIpip, kGre, kGreKey, kGue0, kGue1, kVxlan };
inline constexpr Kind kKinds[] = {Kind::kIpip, Kind::kGre,  Kind::kGreKey,
                                  Kind::kGue0, Kind::kGue1, Kind::kVxlan};
std::string to_string(Kind kind);

// The world of these packets: director → backend outside, client → VIP inside.
inline constexpr const char* kDirector[] = {"192.0.2.1", "2001:db8::1"};
inline constexpr const char* kBackend[] = {"10.0.0.11", "2001:db8:b::11"};
inline constexpr const char* kClient[] = {"198.51.100.7", "2001:db8:c::7"};
inline constexpr const char* kVip[] = {"203.0.113.10", "2001:db8:f::10"};
/// The backend's too, but on another device.
inline constexpr const char* kOtherDevice = "10.0.7.11";
/// 0 for IPv4, 1 for IPv6: the index of the above.
constexpr int index_of(int family) { return family == 4 ? 0 : 1; }

/// A client's UDP packet to the VIP, from its IP header on.
struct Inner {
  int family = 4;
  std::string source;       // "": the client
  std::string destination;  // "": the VIP
  unsigned ecn = 0;
  unsigned data_length = 20;
};
Bytes make_inner(const Inner& inner);

/// A packet in a tunnel. What is said explicitly is written, right or wrong; lengths and the IPv4
/// checksum are computed from what is there.
struct Tunnel {
  Kind kind = Kind::kIpip;
  int outer = 4;
  int inner_family = 4;
  Bytes inner;
  std::string source;       // "": the director
  std::string destination;  // "": the backend
  unsigned ecn = 0;
  unsigned fragment = 0;       // IPv4: flags and offset
  Bytes ipv4_options;          // a multiple of four bytes
  Bytes ipv6_extensions;       // between the IPv6 header and the tunnel
  int ipv6_first_header = -1;  // of ipv6_extensions
  int gue_port = 6080;
  int vxlan_port = 4789;
};
/// From the director to the backend, with make_inner()'s packet inside.
Tunnel make_tunnel(Kind kind, int outer, int inner_family);
/// The tunnel's own header, for the inner packet of `tunnel`: UDP, GRE … up to the inner IP header.
Bytes tunnel_header(const Tunnel& tunnel);
/// The whole frame.
Bytes make_frame(const Tunnel& tunnel);
/// The same with another tunnel header.
Bytes make_frame(const Tunnel& tunnel, const Bytes& header);

/// What the stack is to get: the outer frame's Ethernet addresses, the inner packet.
Bytes decapsulated(const Bytes& frame, const Bytes& inner, int inner_family);

/// Where an IPv4 or IPv6 header begins in make_frame()'s frames.
inline constexpr std::size_t kEthernetLength = 14;
constexpr std::size_t ip_length(int family) { return family == 4 ? 20 : 40; }

/// Writes the right checksum into an IPv4 header without options at `offset`.
void fix_ipv4_checksum(Bytes& bytes, std::size_t offset);

}  // namespace guideway::decap::test

#endif  // GUIDEWAY_TESTS_BPF_DECAP_PACKET_H_
