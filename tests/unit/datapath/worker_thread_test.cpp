// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/worker_thread.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <thread>

#include "guideway/datapath/dpdk/eal.h"
#include "small_state.h"
#include "worker_fixture.h"

namespace guideway::datapath::dpdk::testing {
namespace {

/// With ASan this finds a state freed too early.
TEST(WorkerThread, OldStatesAreFreedUnderTrafficAndNeverTooEarly) {
  WorkerFixture fixture;
  WorkerThread thread(fixture.setup(0), allowed_cpus().back(), Idle::kAdaptive);
  ASSERT_TRUE(thread.start());
  constexpr std::uint64_t kGenerations = 300;
  std::vector<std::weak_ptr<const compile::ForwardingState>> all;
  for (std::uint64_t generation = 1; generation <= kGenerations; generation++) {
    auto next = small_state(generation);
    all.push_back(next);
    fixture.publish(std::move(next));
    fixture.put(0, ack_frame(1, static_cast<std::uint16_t>(generation)));
    fixture.published().reclaim();
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!fixture.published().grace_passed(kGenerations) &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  fixture.published().reclaim();
  for (std::size_t i = 0; i + 1 < all.size(); i++) EXPECT_TRUE(all[i].expired()) << i + 1;
  EXPECT_FALSE(all.back().expired());
  while (thread.worker().counters().snapshot().packets_in < kGenerations &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  thread.ask_to_stop();
  thread.join();
  const gw_counters counters = thread.worker().counters().snapshot();
  EXPECT_EQ(counters.packets_in, kGenerations);
  EXPECT_TRUE(adds_up(counters));
}

TEST(WorkerCounters, AddUpInTheMiddleOfABurstToo) {
  WorkerCounters counters(1, 1);
  counters.begin();
  counters.counters()->packets_in = 7;
  counters.counters()->reasons[GW_REASON_NOT_IP] = 5;
  EXPECT_EQ(counters.snapshot().packets_in, 5u);
  counters.counters()->reasons[GW_REASON_FORWARDED] = 2;
  counters.end();
  EXPECT_EQ(counters.snapshot().packets_in, 7u);
}

TEST(WorkerThread, RefusesACpuThatIsNotThere) {
  WorkerFixture fixture;
  WorkerThread thread(fixture.setup(0), CPU_SETSIZE - 1, Idle::kAdaptive);
  EXPECT_FALSE(thread.start());
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
