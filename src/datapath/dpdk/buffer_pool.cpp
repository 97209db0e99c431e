// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/buffer_pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "guideway/core/layout.h"
#include "guideway/datapath/dpdk/distribute.h"
#include "guideway/datapath/dpdk/kernel_path.h"
#include "guideway/datapath/dpdk/outbox.h"
#include "guideway/datapath/dpdk/port.h"

namespace guideway::datapath::dpdk {
namespace {

constexpr unsigned kCachePerThread = 256;
/// A cache grows to one and a half of its size before it gives back.
constexpr unsigned kLargestCache = kCachePerThread * 3 / 2;
/// Ports, rings, driver tables and EAL itself.
constexpr std::size_t kOverheadMb = 48;

static_assert(RTE_PKTMBUF_HEADROOM >= GW_TEMPLATE_SIZE, "the longest new header must fit in front");

unsigned room_for(const PoolSize& size) {
  return std::max<unsigned>(RTE_MBUF_DEFAULT_DATAROOM,
                            size.largest_mtu + Port::kLongestLinkHeader) +
         RTE_PKTMBUF_HEADROOM;
}

}  // namespace

unsigned buffers_for(const PoolSize& size) {
  const unsigned queues = size.workers * (Port::kRxDescriptors + Port::kTxDescriptors);
  const unsigned rings = KernelPath::kQueueLength + kOutboxLength;
  const unsigned between_workers = (size.workers - 1) * Distributor::kRingLength;
  const unsigned caches = (size.workers + 2) * kLargestCache;
  return size.interfaces * (queues + rings) + between_workers + caches;
}

std::size_t memory_mb_for(const PoolSize& size) {
  const std::size_t each = sizeof(rte_mbuf) + room_for(size) + 2 * RTE_CACHE_LINE_SIZE;
  return kOverheadMb + (buffers_for(size) * each >> 20);
}

Result<BufferPool> BufferPool::make(const PoolSize& size) {
  const unsigned count = buffers_for(size);
  // RTS: a thread that loses its CPU inside the pool does not stop the others; they may outnumber
  // the CPUs here.
  rte_mempool* pool = rte_pktmbuf_pool_create_by_ops(kName, count, kCachePerThread, 0,
                                                     static_cast<std::uint16_t>(room_for(size)),
                                                     SOCKET_ID_ANY, "ring_mt_rts");
  if (!pool) {
    return base::fail_errno("no memory for " + std::to_string(count) +
                                " packet buffers; add huge pages or memory, or use fewer workers",
                            rte_errno);
  }
  return BufferPool(pool);
}

void BufferPool::Free::operator()(rte_mempool* pool) const { rte_mempool_free(pool); }

}  // namespace guideway::datapath::dpdk
