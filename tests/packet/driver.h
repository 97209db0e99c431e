// SPDX-License-Identifier: Apache-2.0
// Driver: a datapath that packet cases are run through. Each implementation says how to publish,
// send and count; what a case means is in run_case.h, once for all of them. Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_DRIVER_H_
#define GUIDEWAY_TESTS_PACKET_DRIVER_H_

#include <span>
#include <string>
#include <vector>

#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"
#include "tests/packet/packet_case.h"

namespace guideway::test {

/// NAT addresses that a case may have.
inline constexpr std::uint32_t kNatPlanes = 2;

/// Where a packet came out.
struct Sent {
  gw_verdict verdict = GW_DROP;
  /// Index of the interface, for GW_FORWARD and GW_REPLY.
  std::uint16_t interface_index = 0;
  /// Empty when it was dropped.
  Bytes bytes;
  /// In place of bytes.
  std::vector<Bytes> fragments;
};

/// Counted so far. Traffic by backend id and service id.
struct Counts {
  gw_counters counters{};
  std::vector<gw_traffic> backends;
  std::vector<gw_traffic> services;
};

class Driver {
 public:
  virtual ~Driver() = default;

  /// Whether such a frame can reach this datapath at all.
  virtual bool can_receive(const Bytes& frame) const {
    static_cast<void>(frame);
    return true;
  }
  virtual bool can_fragment() const { return false; }
  /// Forgets everything: empty flow table, no configuration, no backend ids.
  virtual Result<void> reset() = 0;
  virtual Result<void> publish(const World& world) = 0;
  /// The frame comes in by interface 0.
  virtual Result<Sent> send(const Bytes& frame) = 0;
  virtual Counts counts() = 0;

  /// What is published now.
  virtual const compile::ForwardingState& state() = 0;
  /// The flow table of all shards. No packet is on its way.
  virtual std::span<gw_flow_bucket> flow_table() = 0;
  /// The NAT table; empty while no configuration has NAT.
  virtual std::span<gw_nat_bucket> nat_table() = 0;
  /// The flow table's clock.
  virtual std::uint32_t now_s() = 0;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_DRIVER_H_
