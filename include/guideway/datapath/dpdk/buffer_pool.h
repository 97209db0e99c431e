// SPDX-License-Identifier: Apache-2.0
// BufferPool: the packet buffers of all ports, each large enough for a whole frame with room in
// front for the longest outer header, so that a packet is one segment.
// Threading: immutable; the pool behind it is for all threads.
#ifndef GUIDEWAY_DATAPATH_DPDK_BUFFER_POOL_H_
#define GUIDEWAY_DATAPATH_DPDK_BUFFER_POOL_H_

#include <cstddef>
#include <memory>

#include "guideway/base/result.h"

struct rte_mempool;

namespace guideway::datapath::dpdk {

/// What the number of buffers depends on.
struct PoolSize {
  unsigned interfaces = 1;
  unsigned workers = 1;
  unsigned largest_mtu = 1500;
};

/// Buffers for every place where one can be at the same time: queues, rings, bursts, caches.
unsigned buffers_for(const PoolSize& size);

/// What they and DPDK's own tables take, for EAL's -m.
std::size_t memory_mb_for(const PoolSize& size);

class BufferPool {
 public:
  static constexpr const char* kName = "gw-buffers";

  /// Errors: not enough memory.
  static Result<BufferPool> make(const PoolSize& size);
  rte_mempool* get() const { return pool_.get(); }

 private:
  struct Free {
    void operator()(rte_mempool* pool) const;
  };
  explicit BufferPool(rte_mempool* pool) : pool_(pool) {}
  std::unique_ptr<rte_mempool, Free> pool_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_BUFFER_POOL_H_
