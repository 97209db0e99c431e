// SPDX-License-Identifier: Apache-2.0
// A packet buffer of DPDK as the core sees it. Threading: the packet belongs to one thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_MBUF_VIEW_H_
#define GUIDEWAY_DATAPATH_DPDK_MBUF_VIEW_H_

#include <rte_mbuf.h>

#include <cstdint>

#include "guideway/core/port_native.h"

namespace guideway::datapath::dpdk {

inline std::uint8_t* start_of(rte_mbuf* packet) {
  return static_cast<std::uint8_t*>(packet->buf_addr) + packet->data_off;
}

/// REQUIRES: one segment.
inline gw_packet view_of(rte_mbuf* packet, std::uint16_t interface) {
  auto* buffer = static_cast<std::uint8_t*>(packet->buf_addr);
  std::uint8_t* data = start_of(packet);
  return {data, data + packet->data_len, buffer, buffer + packet->buf_len, interface};
}

/// Writes back how the core grew or shrank the frame.
inline void apply(const gw_packet& view, rte_mbuf* packet) {
  auto* buffer = static_cast<std::uint8_t*>(packet->buf_addr);
  packet->data_off = static_cast<std::uint16_t>(view.data - buffer);
  packet->data_len = static_cast<std::uint16_t>(view.end - view.data);
  packet->pkt_len = packet->data_len;
}

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_MBUF_VIEW_H_
