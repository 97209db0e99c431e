// SPDX-License-Identifier: Apache-2.0
// The schedulers in DPDK workers, one a shard.
#include "tests/support/scheduler_world.h"
#include "worker_fixture.h"

namespace guideway::test {
namespace {

class DpdkSchedulerWorld : public SchedulerWorld {
 public:
  explicit DpdkSchedulerWorld(unsigned shards)
      : shards_(shards),
        worker_({.interfaces = 2,
                 .workers = shards,
                 .queues = shards,
                 .flows = kSchedulerFlows * 2 * shards,
                 .backends = kSchedulerBackends}) {}

  Result<void> publish(compile::ForwardingStatePtr state) override {
    worker_.publish(std::move(state));
    worker_.poll(kNow_s);
    worker_.published().reclaim();
    return {};
  }
  Result<void> send(const Bytes& frame, unsigned shard) override {
    worker_.put(0, frame, shard);
    worker_.run_until_idle(kNow_s);
    if (worker_.sent(1).size() != 1) return base::fail("not forwarded");
    return {};
  }
  std::vector<std::span<gw_traffic>> backend_rows() override {
    std::vector<std::span<gw_traffic>> rows;
    for (unsigned i = 0; i < shards_; i++) rows.push_back(worker_.worker(i).backend_row());
    return rows;
  }

 private:
  static constexpr std::uint32_t kNow_s = 1000;

  const unsigned shards_;
  datapath::dpdk::testing::WorkerFixture worker_;
};

}  // namespace

std::unique_ptr<SchedulerWorld> make_scheduler_world(unsigned shards) {
  return std::make_unique<DpdkSchedulerWorld>(shards);
}

}  // namespace guideway::test
