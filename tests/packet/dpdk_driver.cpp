// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/dpdk_driver.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/replies.h"

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
  now_s_++;  // rates are limited by the second
  return {};
}

Result<void> DpdkDriver::publish(const World& world) {
  Result<compile::ForwardingStatePtr> state = generations_.next(world.model, world.next_hops);
  if (!state) return tl::unexpected(state.error());
  state_ = *state;
  worker_.publish(std::move(*state));
  worker_.poll(now_s_);
  worker_.published().reclaim();
  return {};
}

Result<Sent> DpdkDriver::send(const Bytes& frame) {
  const std::uint64_t replies = replies_in(worker_.counters());
  worker_.put(0, frame);
  worker_.run_until_idle(now_s_);
  const bool is_reply = replies_in(worker_.counters()) != replies;
  std::vector<Sent> all;
  for (std::uint16_t i = 0; i < kInterfaces; ++i) {
    for (Bytes& bytes : worker_.sent(i)) {
      all.push_back({is_reply ? GW_REPLY : GW_FORWARD, i, std::move(bytes)});
    }
    for (Bytes& bytes : worker_.to_kernel(i)) all.push_back({GW_KERNEL, i, std::move(bytes)});
  }
  if (all.empty()) return Sent{};
  if (all.size() == 1) return std::move(all.front());
  Sent sent{all.front().verdict, all.front().interface_index, {}, {}};
  for (Sent& each : all) {
    if (each.verdict != sent.verdict || each.interface_index != sent.interface_index)
      return base::fail("one frame went in, and more than one way out");
    sent.fragments.push_back(std::move(each.bytes));
  }
  return sent;
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
