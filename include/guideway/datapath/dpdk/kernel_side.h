// SPDX-License-Identifier: Apache-2.0
// KernelSide: where a worker hands packets that are for the host. In the other direction the host's
// packets come through the outbox of their interface, see worker.h.
// Threading: to_kernel() on any worker, several at once.
#ifndef GUIDEWAY_DATAPATH_DPDK_KERNEL_SIDE_H_
#define GUIDEWAY_DATAPATH_DPDK_KERNEL_SIDE_H_

struct rte_mbuf;

namespace guideway::datapath::dpdk {

class KernelSide {
 public:
  virtual ~KernelSide() = default;

  /// Takes packets from the front and returns how many; the others stay the caller's. Never blocks.
  virtual unsigned to_kernel(unsigned interface, rte_mbuf** packets, unsigned count) = 0;
};

/// Takes nothing, so every packet for the host is counted as kernel_queue_full.
class NoKernelSide : public KernelSide {
 public:
  unsigned to_kernel(unsigned, rte_mbuf**, unsigned) override { return 0; }
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_KERNEL_SIDE_H_
