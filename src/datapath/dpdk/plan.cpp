// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/plan.h"

#include <algorithm>

namespace guideway::datapath::dpdk {
namespace {

std::string list(const std::vector<unsigned>& cpus) {
  std::string text;
  for (unsigned cpu : cpus) text += (text.empty() ? "" : ", ") + std::to_string(cpu);
  return text;
}

std::vector<unsigned> automatic_cpus(const std::vector<unsigned>& allowed, unsigned most) {
  if (allowed.size() <= 1) return allowed;
  const std::size_t count = std::min<std::size_t>(allowed.size() - 1, most);
  return {allowed.begin() + 1, allowed.begin() + 1 + static_cast<std::ptrdiff_t>(count)};
}

bool distributes(const PortFacts& port, unsigned workers) { return port.rx_queues < workers; }

}  // namespace

Result<std::vector<unsigned>> choose_cpus(const std::vector<unsigned>& wanted,
                                          const std::vector<unsigned>& allowed, unsigned most) {
  if (wanted.empty()) return automatic_cpus(allowed, most);
  if (wanted.size() > GW_MAX_SHARDS) {
    return base::fail("director.workers names " + std::to_string(wanted.size()) +
                      " CPUs; at most " + std::to_string(GW_MAX_SHARDS) + " workers are possible");
  }
  for (auto cpu = wanted.begin(); cpu != wanted.end(); ++cpu) {
    if (std::find(allowed.begin(), allowed.end(), *cpu) == allowed.end()) {
      return base::fail("director.workers names CPU " + std::to_string(*cpu) +
                        ", which this process may not use; it may use " + list(allowed));
    }
    if (std::find(wanted.begin(), cpu, *cpu) != cpu) {
      return base::fail("director.workers names CPU " + std::to_string(*cpu) +
                        " twice; give each worker a CPU of its own");
    }
  }
  return wanted;
}

WorkerInterface assign(const PortFacts& port, unsigned worker, unsigned workers) {
  WorkerInterface part;
  part.port_id = port.port_id;
  part.longest_frame = port.longest_frame;
  part.distribute = distributes(port, workers);
  const auto own = static_cast<int>(worker);
  if (!part.distribute || worker == 0) part.rx_queue = own;
  if (port.tx_queues >= workers || worker == 0) part.tx_queue = own;
  return part;
}

bool needs_distributor(const std::vector<PortFacts>& ports, unsigned workers) {
  return std::any_of(ports.begin(), ports.end(),
                     [&](const PortFacts& port) { return distributes(port, workers); });
}

std::string describe_distribution(const std::vector<PortFacts>& ports, unsigned workers) {
  if (workers == 1) return "one worker";
  if (!needs_distributor(ports, workers)) {
    const bool all_rss =
        std::all_of(ports.begin(), ports.end(), [](const PortFacts& port) { return port.rss; });
    return all_rss ? "rss" : "one queue per worker, the device chooses";
  }
  std::string names;
  for (const PortFacts& port : ports) {
    if (distributes(port, workers)) names += (names.empty() ? "" : ", ") + port.interface;
  }
  return "worker 0 distributes " + names + " (1 queue for " + std::to_string(workers) + " workers)";
}

}  // namespace guideway::datapath::dpdk
