// SPDX-License-Identifier: Apache-2.0
// The schedulers in the XDP program: a shard's packets come by its queue, on a CPU of its own.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>

#include <cstdio>
#include <thread>
#include <utility>

#include "tests/bpf/own_namespaces.h"
#include "tests/support/scheduler_world.h"
#include "tests/support/xdp_world.h"

namespace guideway::test {
namespace {

constexpr const char* kDevice = "queues0";

class XdpSchedulerWorld : public SchedulerWorld {
 public:
  explicit XdpSchedulerWorld(std::unique_ptr<XdpWorld> world) : world_(std::move(world)) {
    world_->set_device(if_nametoindex(kDevice));
  }

  Result<void> publish(compile::ForwardingStatePtr state) override {
    return world_->publish(state);
  }
  Result<void> send(const Bytes& frame, unsigned shard) override {
    if (auto there = go_to_cpu(shard % std::thread::hardware_concurrency()); !there) return there;
    const auto ran = world_->run(frame, shard);
    if (!ran) return tl::unexpected(ran.error());
    if (ran->verdict != GW_FORWARD) return base::fail("not forwarded");
    return {};
  }
  std::vector<std::span<gw_traffic>> backend_rows() override { return world_->backend_rows(); }

 private:
  Result<void> go_to_cpu(unsigned cpu) {
    if (std::exchange(cpu_, cpu) == cpu) return {};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return base::fail_errno("affinity", errno);
    return {};
  }

  std::unique_ptr<XdpWorld> world_;
  unsigned cpu_ = ~0U;
};

}  // namespace

std::unique_ptr<SchedulerWorld> make_scheduler_world(unsigned shards) {
  auto world = XdpWorld::load({.buckets_per_shard = kSchedulerFlows / GW_FLOW_WAYS * 2,
                               .shards = shards,
                               .backends = kSchedulerBackends});
  if (!world) {
    std::fprintf(stderr, "%s\n", world.error().message.c_str());
    return nullptr;
  }
  return std::make_unique<XdpSchedulerWorld>(std::move(*world));
}

}  // namespace guideway::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  using namespace guideway::test;
  if (!enter_own_namespaces()) return 1;
  if (!shell(std::string("ip link add ") + kDevice +
             " numrxqueues 2 numtxqueues 2 type veth peer name peer0"))
    return 1;
  return RUN_ALL_TESTS();
}
