// SPDX-License-Identifier: Apache-2.0
// Who does what: which CPUs get workers, and which worker receives and sends where. Pure decisions,
// made once at start.
// Threading: values.
#ifndef GUIDEWAY_DATAPATH_DPDK_PLAN_H_
#define GUIDEWAY_DATAPATH_DPDK_PLAN_H_

#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/datapath/dpdk/worker.h"

namespace guideway::datapath::dpdk {

/// The workers' CPUs. `wanted` empty: all of `allowed` but the first, at most `most`; the only one
/// if there is one. Errors: a CPU that is not allowed, or named twice; more than GW_MAX_SHARDS.
Result<std::vector<unsigned>> choose_cpus(const std::vector<unsigned>& wanted,
                                          const std::vector<unsigned>& allowed, unsigned most);

/// What a device offers.
struct PortFacts {
  std::string interface;
  std::uint16_t port_id = 0;
  unsigned rx_queues = 1;
  unsigned tx_queues = 1;
  bool rss = false;
  unsigned longest_frame = 0;
};

/// The part of `worker` in one interface: its own queues where there are as many as workers; else
/// worker 0 receives and distributes, and sends for the others. Sets everything but the outbox.
WorkerInterface assign(const PortFacts& port, unsigned worker, unsigned workers);

/// Whether worker 0 distributes anywhere.
bool needs_distributor(const std::vector<PortFacts>& ports, unsigned workers);

/// For status: "one worker", "rss", "worker 0 distributes wan (1 queue for 2 workers)", …
std::string describe_distribution(const std::vector<PortFacts>& ports, unsigned workers);

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_PLAN_H_
