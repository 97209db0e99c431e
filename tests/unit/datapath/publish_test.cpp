// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/publish.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace guideway::datapath::dpdk {
namespace {

compile::ForwardingStatePtr state(std::uint64_t generation) {
  auto made = std::make_shared<compile::ForwardingState>();
  made->header.generation = generation;
  return made;
}

TEST(Publish, StartsWithAnEmptyStateOfGenerationZero) {
  PublishedState published(1);
  EXPECT_EQ(published.read(0).generation(), 0u);
  EXPECT_TRUE(published.grace_passed(0));
}

TEST(Publish, AWorkerThatHasNotReadYetHoldsEverythingBack) {
  PublishedState published(2);
  std::weak_ptr<const compile::ForwardingState> old;
  {
    auto first = state(1);
    old = first;
    published.publish(std::move(first));
  }
  published.publish(state(2));
  published.read(0);
  EXPECT_FALSE(published.grace_passed(2));
  published.reclaim();
  EXPECT_FALSE(old.expired());
  published.read(1);
  EXPECT_TRUE(published.grace_passed(2));
  EXPECT_EQ(published.reclaim(), 2u);
  EXPECT_TRUE(old.expired());
}

TEST(Publish, FreesOnlyWhatNoWorkerReads) {
  PublishedState published(2);
  published.publish(state(1));
  published.read(0);
  published.read(1);
  published.publish(state(2));
  published.read(0);
  published.publish(state(3));
  published.read(0);  // worker 1 still reads generation 1
  EXPECT_EQ(published.reclaim(), 1u);
  published.read(1);
  EXPECT_EQ(published.reclaim(), 2u);
}

TEST(Publish, AWorkerThatStandsStillHoldsABoundedNumberBack) {
  PublishedState published(1);
  std::uint64_t generation = 0;
  while (published.has_room() && generation < 1000) published.publish(state(++generation));
  EXPECT_EQ(generation, PublishedState::kMostRetired);
  published.read(0);
  EXPECT_TRUE(published.has_room());
}

TEST(Publish, AWorkerThatLeftHoldsNothingBack) {
  PublishedState published(2);
  published.publish(state(1));
  published.leave(1);
  published.read(0);
  EXPECT_TRUE(published.grace_passed(1));
}

/// With TSan this finds a missing order, with ASan a state freed too early.
TEST(Publish, ReadersOnThreadsNeverSeeAFreedOrOlderState) {
  constexpr unsigned kReaders = 3;
  constexpr std::uint64_t kGenerations = 2000;
  PublishedState published(kReaders);
  std::vector<std::thread> readers;
  std::atomic<unsigned> wrong{0};
  for (unsigned reader = 0; reader < kReaders; reader++) {
    readers.emplace_back([&, reader] {
      std::uint64_t seen = 0;
      while (seen < kGenerations) {
        const Tables& now = published.read(reader);
        // The state's bytes say what its header says, so it is whole.
        if (now.generation() < seen) wrong++;
        if (now.generation() != 0 && now.slots[0] != now.generation() % 1000) wrong++;
        seen = now.generation();
        std::this_thread::yield();
      }
      published.leave(reader);
    });
  }
  for (std::uint64_t generation = 1; generation <= kGenerations; generation++) {
    auto next = std::make_shared<compile::ForwardingState>();
    next->header.generation = generation;
    next->slots = {static_cast<std::uint16_t>(generation % 1000)};
    published.publish(std::move(next));
    published.reclaim();
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(published.grace_passed(kGenerations));
}

}  // namespace
}  // namespace guideway::datapath::dpdk
