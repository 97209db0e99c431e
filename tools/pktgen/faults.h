// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a packet that comes back: the one list, and a set of its entries.
// Threading: values.
#ifndef GUIDEWAY_TOOLS_PKTGEN_FAULTS_H_
#define GUIDEWAY_TOOLS_PKTGEN_FAULTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace guideway::pktgen {

// clang-format off
/// Identifier, name in reports.
#define GW_PKTGEN_FAULTS(X)                     \
  X(kOuterIpChecksum, "outer_ip_checksum")      \
  X(kOuterUdp, "outer_udp")                     \
  X(kTunnelHeader, "tunnel_header")             \
  X(kIpHeader, "ip_header")                     \
  X(kIpChecksum, "ip_checksum")                 \
  X(kTtl, "ttl")                                \
  X(kAddresses, "addresses")                    \
  X(kLength, "length")                          \
  X(kSegmentChecksum, "segment_checksum")       \
  X(kMark, "mark")
// clang-format on

enum class Fault : std::uint8_t {
#define GW_PKTGEN_FAULT(id, name) id,
  GW_PKTGEN_FAULTS(GW_PKTGEN_FAULT)
#undef GW_PKTGEN_FAULT
};

inline constexpr const char* kFaultNames[] = {
#define GW_PKTGEN_FAULT(id, name) name,
    GW_PKTGEN_FAULTS(GW_PKTGEN_FAULT)
#undef GW_PKTGEN_FAULT
};

inline constexpr std::size_t kFaultCount = std::size(kFaultNames);

class Faults {
 public:
  void add(Fault fault) { bits_ |= 1u << static_cast<unsigned>(fault); }
  void add_if(bool wrong, Fault fault) {
    if (wrong) add(fault);
  }
  bool any() const { return bits_ != 0; }
  bool has(Fault fault) const { return (bits_ >> static_cast<unsigned>(fault) & 1u) != 0; }

 private:
  unsigned bits_ = 0;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_FAULTS_H_
