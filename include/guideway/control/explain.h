// SPDX-License-Identifier: Apache-2.0
// Explain: what the packet path would do with a packet now. It runs the stages of the core itself
// (core/balance.h) on the live tables and the live flow table, all but those that write.
// Threading: control thread.
#ifndef GUIDEWAY_CONTROL_EXPLAIN_H_
#define GUIDEWAY_CONTROL_EXPLAIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/datapath/datapath.h"

namespace guideway::control {

/// A packet without payload. Both addresses are of one family; ports in host order.
struct ExplainQuery {
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;
  std::uint16_t destination_port = 0;
  bool tcp = true;  // else UDP
  bool syn = true;  // TCP: a connection's first packet; else one with ACK alone
};

struct Explanation {
  std::string verdict;  // "forward", "reply", "kernel", "drop"
  std::string reason;   // as it is counted: "forwarded", "no_service", …
  std::string why;      // a sentence
  std::string service;  // empty: none
  std::string pool;
  /// "hit", "miss", or "reset"; empty when it never came to the flow table.
  std::string flow;
  /// Of the hit; a packet's own shard is decided by the NIC.
  std::optional<std::uint32_t> shard;
  std::uint64_t hash = 0;
  /// Of the pool's slots, when the packet goes by its slot.
  std::optional<std::uint32_t> slot;
  std::string backend;
  std::optional<IpAddress> backend_address;
  /// What would be sent in front of the packet's own IP header: the new Ethernet and outer headers.
  std::vector<std::uint8_t> header;
  /// What the TCP header gets as its first option (toa); empty: nothing.
  std::vector<std::uint8_t> tcp_option;
};

Explanation explain(const ExplainQuery& query, const compile::ForwardingState& state,
                    datapath::FlowTableView flows, std::uint32_t now_s,
                    datapath::NatTableView nat = {});

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_EXPLAIN_H_
