// SPDX-License-Identifier: Apache-2.0
// Distribution of received packets over workers, for devices with fewer queues than there are
// workers: worker 0 receives and hands each packet to the worker that owns its flow, by a hash of
// the 5-tuple.
// Threading: hand_over() on worker 0, take() on the worker of that number.
#ifndef GUIDEWAY_DATAPATH_DPDK_DISTRIBUTE_H_
#define GUIDEWAY_DATAPATH_DPDK_DISTRIBUTE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/datapath/dpdk/ring.h"

namespace guideway::datapath::dpdk {

/// Which of `workers` workers owns the frame's flow. All packets of a flow in one direction give
/// the same; what is not TCP or UDP goes by its addresses, what is not IP to worker 0.
unsigned owner_of(const std::uint8_t* frame, const std::uint8_t* end, unsigned workers);

/// The rings from worker 0 to the others.
class Distributor {
 public:
  static constexpr unsigned kRingLength = 1024;

  static Result<std::unique_ptr<Distributor>> make(unsigned workers);

  unsigned workers() const { return static_cast<unsigned>(rings_.size()) + 1; }

  /// Returns how many of the packets found room, from the front. REQUIRES: 0 < worker < workers().
  unsigned hand_over(unsigned worker, rte_mbuf** packets, unsigned count);
  unsigned take(unsigned worker, rte_mbuf** packets, unsigned count);

 private:
  std::vector<Ring> rings_;  // [worker - 1]
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_DISTRIBUTE_H_
