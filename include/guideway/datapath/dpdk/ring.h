// SPDX-License-Identifier: Apache-2.0
// Ring: a bounded queue of packets between threads; an rte_ring that frees itself and what it
// holds.
// Threading: push() by several threads or one, pop() by one, as given at make(). Neither blocks.
#ifndef GUIDEWAY_DATAPATH_DPDK_RING_H_
#define GUIDEWAY_DATAPATH_DPDK_RING_H_

#include <string>

#include "guideway/base/result.h"

struct rte_mbuf;
struct rte_ring;

namespace guideway::datapath::dpdk {

class Ring {
 public:
  enum class Producers { kOne, kMany };

  /// `length`: a power of two; one place stays empty.
  static Result<Ring> make(const std::string& name, unsigned length, Producers producers);
  /// Frees the packets that are left.
  ~Ring();
  Ring(Ring&& other) noexcept;
  Ring& operator=(Ring&&) = delete;

  /// Puts packets in from the front, returns how many found room.
  unsigned push(rte_mbuf** packets, unsigned count);
  unsigned pop(rte_mbuf** packets, unsigned count);
  bool empty() const;
  /// Packets that there is room for just now.
  unsigned room() const;

 private:
  explicit Ring(rte_ring* ring) : ring_(ring) {}
  rte_ring* ring_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_RING_H_
