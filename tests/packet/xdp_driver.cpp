// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/xdp_driver.h"

#include <algorithm>
#include <cstring>

namespace guideway::test {

Result<void> XdpDriver::reset() {
  std::ranges::fill(flow_table(), gw_flow_bucket{});
  if (state_ && !state_->nat_addresses.empty())
    std::memset(nat_table().data(), 0, nat_table().size_bytes());
  generations_.forget_ids();
  world_->set_now_s(world_->now_s() + 1);  // rates are limited by the second
  return {};
}

Result<void> XdpDriver::publish(const World& world) {
  Result<compile::ForwardingStatePtr> state = generations_.next(world.model, world.next_hops);
  if (!state) return tl::unexpected(state.error());
  state_ = std::move(*state);
  return world_->publish(state_);
}

Result<Sent> XdpDriver::send(const Bytes& frame) {
  auto ran = world_->run(frame);
  if (!ran) return tl::unexpected(ran.error());
  Sent sent{ran->verdict, ran->interface_index, {}};
  if (ran->verdict != GW_DROP) sent.bytes = std::move(ran->bytes);
  return sent;
}

Counts XdpDriver::counts() {
  return {world_->counters(), world_->backend_traffic(), world_->service_traffic()};
}

}  // namespace guideway::test
