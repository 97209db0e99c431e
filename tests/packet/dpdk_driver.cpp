// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/dpdk_driver.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace guideway::test {

DpdkDriver::DpdkDriver()
    : worker_({.interfaces = kInterfaces,
               .backends = kBackends,
               .services = kServices,
               .nat_planes = kNatPlanes}) {}

Result<void> DpdkDriver::reset() {
  std::ranges::fill(flow_table(), gw_flow_bucket{});
  if (state_ && !state_->nat_addresses.empty())
    std::memset(nat_table().data(), 0, nat_table().size_bytes());
  generations_.forget_ids();
  return {};
}

Result<void> DpdkDriver::publish(const World& world) {
  Result<compile::ForwardingStatePtr> state = generations_.next(world.model, world.next_hops);
  if (!state) return tl::unexpected(state.error());
  state_ = *state;
  worker_.publish(std::move(*state));
  worker_.poll(kNow_s);
  worker_.published().reclaim();
  return {};
}

Result<Sent> DpdkDriver::send(const Bytes& frame) {
  const auto resets_sent = [this] {
    const gw_counters counters = worker_.counters();
    return counters.reasons[GW_REASON_RESET_SENT] + counters.reasons[GW_REASON_NAT_RESET];
  };
  const std::uint64_t resets = resets_sent();
  worker_.put(0, frame);
  worker_.run_until_idle(kNow_s);
  // A reset leaves as any packet does; what tells it apart is the reason.
  const bool is_reply = resets_sent() != resets;
  std::vector<Sent> all;
  for (std::uint16_t i = 0; i < kInterfaces; ++i) {
    for (Bytes& bytes : worker_.sent(i)) {
      all.push_back({is_reply ? GW_REPLY : GW_FORWARD, i, std::move(bytes)});
    }
    for (Bytes& bytes : worker_.to_kernel(i)) all.push_back({GW_KERNEL, i, std::move(bytes)});
  }
  if (all.size() > 1)
    return base::fail("one frame went in, " + std::to_string(all.size()) + " out");
  return all.empty() ? Sent{} : std::move(all.front());
}

Counts DpdkDriver::counts() {
  Counts counts{worker_.counters(), {}, {}};
  for (std::uint16_t id = 0; id < kBackends; ++id) {
    counts.backends.push_back(worker_.backend_traffic(id));
  }
  for (std::uint16_t id = 0; id < kServices; ++id) {
    counts.services.push_back(worker_.service_traffic(id));
  }
  return counts;
}

}  // namespace guideway::test
