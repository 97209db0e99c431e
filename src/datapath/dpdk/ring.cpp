// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/ring.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <utility>

namespace guideway::datapath::dpdk {

Result<Ring> Ring::make(const std::string& name, unsigned length, Producers producers) {
  unsigned flags = RING_F_SC_DEQ;
  // RTS: a producer that loses its CPU in the middle does not stop the others.
  flags |= producers == Producers::kOne ? RING_F_SP_ENQ : RING_F_MP_RTS_ENQ;
  rte_ring* ring = rte_ring_create(name.c_str(), length, SOCKET_ID_ANY, flags);
  if (!ring) return base::fail_errno("cannot make the packet ring " + name, rte_errno);
  return Ring(ring);
}

Ring::Ring(Ring&& other) noexcept : ring_(std::exchange(other.ring_, nullptr)) {}

Ring::~Ring() {
  if (!ring_) return;
  rte_mbuf* packets[32];
  while (unsigned count = pop(packets, 32)) rte_pktmbuf_free_bulk(packets, count);
  rte_ring_free(ring_);
}

unsigned Ring::push(rte_mbuf** packets, unsigned count) {
  return rte_ring_enqueue_burst(ring_, reinterpret_cast<void* const*>(packets), count, nullptr);
}

unsigned Ring::pop(rte_mbuf** packets, unsigned count) {
  return rte_ring_dequeue_burst(ring_, reinterpret_cast<void**>(packets), count, nullptr);
}

bool Ring::empty() const { return rte_ring_empty(ring_) != 0; }

unsigned Ring::room() const { return rte_ring_free_count(ring_); }

}  // namespace guideway::datapath::dpdk
