// SPDX-License-Identifier: Apache-2.0
// The schedulers in the bare core.
#include "tests/support/core_world.h"
#include "tests/support/scheduler_world.h"

namespace guideway::test {
namespace {

class CoreSchedulerWorld : public SchedulerWorld {
 public:
  explicit CoreSchedulerWorld(std::uint32_t shards)
      : shards_(shards),
        world_({.buckets_per_shard = kSchedulerFlows / GW_FLOW_WAYS * 2, .shards = shards}) {}

  Result<void> publish(compile::ForwardingStatePtr state) override {
    world_.publish(std::move(state));
    return {};
  }
  Result<void> send(const Bytes& bytes, unsigned shard) override {
    Frame frame(bytes);
    if (world_.balance(frame, shard).verdict != GW_FORWARD) return base::fail("not forwarded");
    return {};
  }
  std::vector<std::span<gw_traffic>> backend_rows() override {
    std::vector<std::span<gw_traffic>> rows;
    for (std::uint32_t shard = 0; shard < shards_; shard++)
      rows.push_back(world_.backend_row(shard));
    return rows;
  }

 private:
  const std::uint32_t shards_;
  CoreWorld world_;
};

}  // namespace

std::unique_ptr<SchedulerWorld> make_scheduler_world(unsigned shards) {
  return std::make_unique<CoreSchedulerWorld>(shards);
}

}  // namespace guideway::test
