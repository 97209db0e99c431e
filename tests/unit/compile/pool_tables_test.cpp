// SPDX-License-Identifier: Apache-2.0
// Tables that are taken over from the generation before: nobody may be able to tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <span>

#include "compile_input.h"

namespace guideway::compile {
namespace {

using model::AdminState;
using model::Scheduler;

std::span<const std::uint16_t> part_of_pool(const ForwardingState& state, std::size_t pool) {
  return std::span(state.slots).subspan(state.pools[pool].slot_base, state.pools[pool].slot_count);
}

template <typename T>
void expect_same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_TRUE(a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_same(const ForwardingState& a, const ForwardingState& b) {
  EXPECT_EQ(std::memcmp(&a.header, &b.header, sizeof a.header), 0);
  expect_same_bytes(a.services, b.services);
  expect_same_bytes(a.pools, b.pools);
  EXPECT_EQ(a.slots, b.slots);
  expect_same_bytes(a.backends, b.backends);
  ASSERT_EQ(a.backend_info.size(), b.backend_info.size());
  for (std::size_t id = 0; id < a.backend_info.size(); ++id)
    EXPECT_EQ(a.backend_info[id].slots, b.backend_info[id].slots) << id;
}

/// The slots that each backend is said to have are those that it has.
void expect_true_counts(const ForwardingState& state) {
  std::vector<std::uint32_t> counted(state.backend_info.size());
  for (std::size_t pool = 0; pool < state.pools.size(); ++pool)
    for (const std::uint16_t id : part_of_pool(state, pool)) ++counted.at(id);
  for (std::size_t id = 0; id < counted.size(); ++id) {
    EXPECT_EQ(state.backend_info[id].slots, counted[id]) << id;
    EXPECT_EQ((state.backends[id].flags & GW_BACKEND_TAKES_NEW) != 0, counted[id] != 0) << id;
  }
}

/// Something that an operator, a probe or the kernel might do to a model of three pools.
class RandomChanges {
 public:
  void change(Input& input) {
    model::Pool& pool = input.model.pools[below(input.model.pools.size())];
    switch (below(8)) {
      case 0:
        return with_one(pool, [&](auto& backend) { backend.weight = below(4) * 50; });
      case 1:
        return with_one(pool,
                        [&](auto& backend) { backend.state = static_cast<AdminState>(below(3)); });
      case 2:
        return with_one(pool, [&](auto& backend) {
          NextHop& hop = input.next_hops[backend.address];
          hop = hop.state == NextHop::State::kResolved ? NextHop{} : hop_to(3);
        });
      case 3:
        if (pool.backends.size() > 1)
          pool.backends.erase(pool.backends.begin() + below(pool.backends.size()));
        return;
      case 4:
        return add_missing(pool);
      case 5:
        pool.scheduler = static_cast<Scheduler>(below(5));
        return;
      case 6:
        pool.table_size = below(2) == 0 ? 251 : 67;
        return;
      default:
        std::shuffle(pool.backends.begin(), pool.backends.end(), random_);
        std::rotate(input.model.pools.begin(), input.model.pools.begin() + 1,
                    input.model.pools.end());
    }
  }

 private:
  std::uint32_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::uint32_t>(
        0, static_cast<std::uint32_t>(limit) - 1)(random_);
  }
  template <typename F>
  void with_one(model::Pool& pool, const F& act) {
    if (!pool.backends.empty()) act(pool.backends[below(pool.backends.size())]);
  }
  void add_missing(model::Pool& pool) {
    const model::Backend added = backend(static_cast<std::uint8_t>(1 + below(9)));
    const bool is_there =
        std::any_of(pool.backends.begin(), pool.backends.end(),
                    [&](const auto& each) { return each.address == added.address; });
    if (!is_there) pool.backends.push_back(added);
  }

  std::mt19937 random_{4711};
};

Input three_pools() {
  Input input = make_input();
  input.ids = BackendIds(64);
  model::Pool spare = input.model.pools[0];
  spare.name = "spare";
  spare.scheduler = Scheduler::kWeightedRoundRobin;
  spare.backends = {backend(5), backend(6), backend(7), backend(8)};
  input.model.pools.push_back(spare);
  return input;
}

TEST(PreviousTables, WhateverChangesTheResultIsThatOfAFullBuild) {
  Input input = three_pools();
  RandomChanges random;
  Output last = compiled(input);
  for (int round = 0; round < 500; ++round) {
    random.change(input);
    input.generation++;
    input.ids = last.ids;
    input.service_ids = last.service_ids;
    input.pool_memories = last.pool_memories;
    input.previous = nullptr;
    const Output full = compiled(input);
    input.previous = last.state;
    Output quick = compiled(input);
    expect_same(*quick.state, *full.state);
    expect_true_counts(*quick.state);
    ASSERT_FALSE(HasFailure()) << "round " << round;
    last = std::move(quick);
  }
}

/// A generation whose tables no build would make: whoever has them has taken them over.
ForwardingStatePtr marked(const ForwardingState& state) {
  ForwardingState copy = state;
  std::fill(copy.slots.begin(), copy.slots.end(), copy.slots.front());
  return std::make_shared<const ForwardingState>(std::move(copy));
}

TEST(PreviousTables, OnlyAPoolInWhichSomethingChangedIsBuiltAgain) {
  Input input = three_pools();
  const Output first = compiled(input);
  input.ids = first.ids;
  input.previous = marked(*first.state);
  input.model.pools[1].backends.push_back(backend(9));
  input.model.pools[0].backends[0].name = "renamed";
  const Output next = compiled(input);
  const auto is_taken_over = [&](std::size_t pool) {
    return std::ranges::equal(part_of_pool(*next.state, pool), part_of_pool(*input.previous, pool));
  };
  EXPECT_TRUE(is_taken_over(0));
  EXPECT_FALSE(is_taken_over(1));
  EXPECT_TRUE(is_taken_over(2));
}

}  // namespace
}  // namespace guideway::compile
