// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/core_driver.h"

#include "guideway/core/balance_burst.h"

namespace guideway::test {

Result<void> CoreDriver::reset() {
  world_ = std::make_unique<CoreWorld>();
  return {};
}

Result<void> CoreDriver::publish(const World& world) {
  // A NAT table takes its time to clear: only where there is something to see.
  if (!world.model.pools.empty() && world_->nat_buckets().empty() &&
      !model::nat_planes_of(world.model).empty())
    world_ = std::make_unique<CoreWorld>(WorldSize{.nat_planes = kNatPlanes});
  return world_->publish(world.model, world.next_hops);
}

Result<Sent> CoreDriver::send(const Bytes& bytes) {
  Frame frame(bytes);
  gw_outcome outcome{};
  if (path_ == CorePath::kOneByOne) {
    outcome = world_->balance(frame);
  } else {
    gw_balance_burst(&world_->port(), frame.packet(), &outcome, 1, world_->now_s());
  }
  if (!frame.is_inside_buffer()) return base::fail("the frame left its buffer");
  Sent sent{static_cast<gw_verdict>(outcome.verdict), outcome.interface_index, {}};
  if (outcome.verdict == GW_REPLY) sent.interface_index = 0;  // where send() says it came in
  if (outcome.verdict != GW_DROP) sent.bytes = frame.bytes();
  return sent;
}

Counts CoreDriver::counts() {
  return {world_->counters(), world_->backend_traffic(), world_->service_traffic()};
}

}  // namespace guideway::test
