// SPDX-License-Identifier: Apache-2.0
// A packet sees one generation or the next, never parts of two: the tables of generation g lead
// every packet to backend g % 8, whose record carries g in both of its MAC addresses; every other
// record is empty.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/xdp_world.h"

namespace guideway::test {
namespace {

constexpr std::uint64_t kGenerations = 200;
constexpr std::uint64_t kBackends = 8;

void put_number(std::uint8_t* mac, std::uint64_t number) {
  mac[0] = 2;
  mac[1] = 0;
  const auto value = static_cast<std::uint32_t>(number);
  std::memcpy(mac + 2, &value, sizeof value);
}

std::uint64_t number_of(const std::uint8_t* mac) {
  std::uint32_t value = 0;
  std::memcpy(&value, mac + 2, sizeof value);
  return value;
}

compile::ForwardingStatePtr numbered(const compile::ForwardingState& plain, std::uint64_t number) {
  auto state = std::make_shared<compile::ForwardingState>(plain);
  state->header.generation = number;
  // Another seed each time: then another bucket, tag and slot.
  for (std::uint32_t& key : state->header.hash_key.nh)
    key += static_cast<std::uint32_t>(2 * number);
  std::ranges::fill(state->slots, static_cast<std::uint16_t>(number % kBackends));
  for (std::uint64_t id = 0; id < state->backends.size(); id++) {
    if (id != number % kBackends) {
      state->backends[id] = {};
      continue;
    }
    state->backends[id].pool = 0;
    put_number(state->backends[id].template_bytes, number);
    put_number(state->backends[id].template_bytes + 6, number);
  }
  return state;
}

TEST(Publishing, NoPacketSeesHalfAGeneration) {
  const model::Model model = make_model();
  CoreWorld core;
  ASSERT_TRUE(core.publish(model, all_resolved(model)));
  ASSERT_GE(core.state().backends.size(), kBackends);
  auto loaded = XdpWorld::load({});
  ASSERT_TRUE(loaded) << loaded.error().message;
  XdpWorld& program = **loaded;
  ASSERT_TRUE(program.publish(numbered(core.state(), 1)));

  std::atomic<std::uint64_t> published{1};  // complete
  std::atomic<std::uint64_t> announced{1};  // perhaps on its way
  std::atomic<std::uint64_t> packets{0};
  std::atomic<bool> over{false};
  std::string problem;
  std::thread runner([&] {
    FrameSpec spec;
    while (!over && problem.empty()) {
      spec.source_port++;
      const std::uint64_t oldest = published;
      const auto ran = program.run(make_frame(spec));
      const std::uint64_t newest = announced;
      if (!ran || ran->verdict != GW_FORWARD) {
        problem = "a packet was not forwarded: parts of two generations do not fit";
      } else {
        const std::uint64_t to = number_of(ran->bytes.data());
        const std::uint64_t from = number_of(ran->bytes.data() + 6);
        if (to != from || to < oldest || to > newest)
          problem = "MAC addresses of generations " + std::to_string(to) + " and " +
                    std::to_string(from) + " between " + std::to_string(oldest) + " and " +
                    std::to_string(newest);
      }
      packets++;
    }
  });
  for (std::uint64_t number = 2; number <= kGenerations; number++) {
    announced = number;
    const std::uint64_t before = packets;
    const auto done = program.publish(numbered(core.state(), number));
    EXPECT_TRUE(done) << done.error().message;
    published = number;
    // Some packets under each generation, so that each is looked at.
    while (packets < before + 5 && problem.empty()) std::this_thread::yield();
  }
  over = true;
  runner.join();
  EXPECT_EQ(problem, "") << "after " << packets << " packets";
}

}  // namespace
}  // namespace guideway::test
