// SPDX-License-Identifier: Apache-2.0
#include "receiver.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "guideway/datapath/dpdk/idle.h"
#include "now.h"

namespace guideway::pktgen {
namespace {

constexpr std::uint16_t kBurst = 64;

}  // namespace

void Receiver::run() {
  datapath::dpdk::ask_for_exact_sleeps();
  rte_mbuf* packets[kBurst];
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::uint16_t count = rte_eth_rx_burst(port_id_, 0, packets, kBurst);
    const std::uint64_t now = count == 0 ? 0 : now_ns();
    for (unsigned i = 0; i < count; i++) {
      // One that cannot be joined is judged by its first piece, and found cut short.
      if (packets[i]->nb_segs > 1) rte_pktmbuf_linearize(packets[i]);
      sink_.take({rte_pktmbuf_mtod(packets[i], const std::uint8_t*), packets[i]->data_len}, now);
    }
    if (count != 0) {
      rte_pktmbuf_free_bulk(packets, count);
    } else {
      wait(waiting_, 0);
    }
  }
}

}  // namespace guideway::pktgen
