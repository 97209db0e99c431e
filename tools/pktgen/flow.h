// SPDX-License-Identifier: Apache-2.0
// FlowSpace: the clients. Flow `index` is a function of the seed and the index alone, so that
// neither generator nor sink stores addresses, and no two indexes give the same flow.
// Threading: immutable.
// Source: the client addresses are those set aside for benchmarks: 198.18.0.0/15 (RFC 2544 §C.2.2)
// and 2001:2::/48 (RFC 5180 §8). The permutation is a Feistel network with cycle walking (Black and
// Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
#ifndef GUIDEWAY_TOOLS_PKTGEN_FLOW_H_
#define GUIDEWAY_TOOLS_PKTGEN_FLOW_H_

#include <array>
#include <cstdint>
#include <vector>

#include "bytes.h"
#include "guideway/base/address.h"

namespace guideway::pktgen {

/// A mark has 24 bits for the flow's index; the sink's memory is 8 bytes a flow.
inline constexpr std::uint32_t kMostFlows = 10'000'000;

enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17 };

struct Flow {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  friend bool operator==(const Flow&, const Flow&) = default;
};

class FlowSpace {
 public:
  static constexpr std::uint16_t kFirstPort = 1024;

  /// Flows are dealt to `vips` in turn. REQUIRES: at least one, all different.
  FlowSpace(std::uint64_t seed, std::vector<IpAddress> vips, std::uint16_t port, Protocol protocol);

  /// REQUIRES: index < kMostFlows.
  Flow flow(std::uint32_t index) const;
  /// The family that flow `index` has, without the rest.
  Family family(std::uint32_t index) const { return vip_of(index).family(); }

  /// Whether an address (in network order) is one of the VIPs, or one of the clients'.
  bool is_vip(Family family, const std::uint8_t* address) const;
  static bool is_client(Family family, const std::uint8_t* address);

  std::uint64_t seed() const { return seed_; }
  std::uint16_t port() const { return port_; }
  Protocol protocol() const { return protocol_; }

 private:
  struct Place {
    std::uint32_t host;  // 17 bits
    std::uint16_t port;
  };
  const IpAddress& vip_of(std::uint32_t index) const { return vips_[index % vips_.size()]; }
  Place permuted(std::uint64_t number) const;

  std::uint64_t seed_;
  std::array<std::uint64_t, 4> round_keys_{};
  std::vector<IpAddress> vips_;
  std::uint16_t port_;
  Protocol protocol_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_FLOW_H_
