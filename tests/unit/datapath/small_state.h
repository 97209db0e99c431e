// SPDX-License-Identifier: Apache-2.0
// A small forwarding state and frames for it: service 203.0.113.10, TCP port 80, on three l2dsr
// backends 10.0.0.1 to .3 with MAC 02:00:00:00:00:01 to :03.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_UNIT_DATAPATH_SMALL_STATE_H_
#define GUIDEWAY_TESTS_UNIT_DATAPATH_SMALL_STATE_H_

#include <cstdint>
#include <vector>

#include "guideway/compile/forwarding_state.h"

namespace guideway::datapath::dpdk::testing {

inline constexpr unsigned kBackends = 3;

/// `out`: the interface that all backends are on.
compile::ForwardingStatePtr small_state(std::uint64_t generation, std::uint16_t out = 0);

/// TCP SYN from 192.0.2.<client>:<port> to the service.
std::vector<std::uint8_t> syn_frame(std::uint8_t client, std::uint16_t port);

/// The same, as an ACK with `payload` bytes behind the header.
std::vector<std::uint8_t> ack_frame(std::uint8_t client, std::uint16_t port,
                                    std::size_t payload = 0);

/// A broadcast ARP request: for the kernel.
std::vector<std::uint8_t> arp_frame();

/// The backend, 1 to kBackends, that a sent frame is addressed to; 0: none.
unsigned backend_of(const std::vector<std::uint8_t>& frame);

/// The client's port of a frame made by syn_frame() or ack_frame(), also after rewriting.
std::uint16_t client_port(const std::vector<std::uint8_t>& frame);

}  // namespace guideway::datapath::dpdk::testing

#endif  // GUIDEWAY_TESTS_UNIT_DATAPATH_SMALL_STATE_H_
