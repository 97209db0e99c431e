// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

#include <cstring>
#include <utility>

namespace guideway::pktgen {
namespace {

constexpr unsigned kHostBits = 17;
constexpr unsigned kPortBits = 16;
constexpr std::uint32_t kHostMask = (1u << kHostBits) - 1;
constexpr std::uint32_t kPortMask = (1u << kPortBits) - 1;

constexpr std::uint32_t kIpv4Clients = 198u << 24 | 18u << 16;
constexpr std::array<std::uint8_t, 6> kIpv6Clients = {0x20, 0x01, 0x00, 0x02, 0x00, 0x00};

IpAddress ipv4_client(std::uint32_t host) {
  std::array<std::uint8_t, 4> bytes{};
  store_be32(bytes.data(), kIpv4Clients | host);
  return IpAddress::v4(bytes);
}

/// The low 17 bits tell hosts apart, the 63 above them are only random.
IpAddress ipv6_client(std::uint32_t host, std::uint64_t random) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), kIpv6Clients.data(), kIpv6Clients.size());
  store_be16(&bytes[6], static_cast<std::uint32_t>(random >> 47));
  const std::uint64_t low = random << kHostBits | host;
  store_be32(&bytes[8], static_cast<std::uint32_t>(low >> 32));
  store_be32(&bytes[12], static_cast<std::uint32_t>(low));
  return IpAddress::v6(bytes);
}

}  // namespace

FlowSpace::FlowSpace(std::uint64_t seed, std::vector<IpAddress> vips, std::uint16_t port,
                     Protocol protocol)
    : seed_(seed), vips_(std::move(vips)), port_(port), protocol_(protocol) {
  std::uint64_t key = mix(seed);
  for (std::uint64_t& round_key : round_keys_) round_key = key = mix(key);
}

FlowSpace::Place FlowSpace::permuted(std::uint64_t number) const {
  auto host = static_cast<std::uint32_t>(number >> kPortBits) & kHostMask;
  auto port = static_cast<std::uint32_t>(number) & kPortMask;
  // Well-known ports are walked out of: what the walk ends at is still a bijection.
  do {
    for (std::size_t i = 0; i < round_keys_.size(); i += 2) {
      host ^= static_cast<std::uint32_t>(mix(round_keys_[i] ^ port)) & kHostMask;
      port ^= static_cast<std::uint32_t>(mix(round_keys_[i + 1] ^ host)) & kPortMask;
    }
  } while (port < kFirstPort);
  return {host, static_cast<std::uint16_t>(port)};
}

Flow FlowSpace::flow(std::uint32_t index) const {
  // The walk must start inside its own range, so the ports left out are left out here too.
  constexpr std::uint32_t kPorts = (1u << kPortBits) - kFirstPort;
  const std::uint64_t start =
      std::uint64_t{index / kPorts} << kPortBits | (index % kPorts + kFirstPort);
  const Place place = permuted(start);
  const IpAddress& vip = vip_of(index);
  const IpAddress source =
      vip.is_v4() ? ipv4_client(place.host) : ipv6_client(place.host, mix(round_keys_[0] + index));
  return {source, vip, place.port, port_};
}

bool FlowSpace::is_vip(Family family, const std::uint8_t* address) const {
  for (const IpAddress& vip : vips_) {
    if (vip.family() == family && std::memcmp(vip.bytes().data(), address, vip.size()) == 0) {
      return true;
    }
  }
  return false;
}

bool FlowSpace::is_client(Family family, const std::uint8_t* address) {
  if (family == Family::kIpv4) return (load_be32(address) & ~kHostMask) == kIpv4Clients;
  return std::memcmp(address, kIpv6Clients.data(), kIpv6Clients.size()) == 0;
}

}  // namespace guideway::pktgen
