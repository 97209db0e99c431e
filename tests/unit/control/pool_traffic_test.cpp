// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "controller_fixture.h"
#include "guideway/control/pool_traffic.h"

namespace guideway::control {
namespace {

class PoolTrafficTest : public ControllerTest {
 protected:
  PoolStatus web() const { return controller_->status().pools.at(0); }
  void count(std::size_t id) {
    datapath_.first_row[id] = {10, 1000, 2, 77};
    datapath_.second_row[id] = {1, 60, 1, 77};
  }
};

TEST_F(PoolTrafficTest, ABackendThatLeavesLeavesItsTrafficToThePool) {
  count(0);
  count(1);
  start();
  file_.pools[0].backends = {backend(2), backend(3)};
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return web().gone.packets != 0; })) << "b1 has no flow: its id is free";
  EXPECT_EQ(web().gone.packets, 11U);
  EXPECT_EQ(web().gone.bytes, 1060U);
  EXPECT_EQ(web().gone.flows, 3U);
  EXPECT_EQ(web().gone.load_offset, 0U) << "is no count";
  EXPECT_EQ(backend_status("b1").name, "") << "it is counted once only";
  // What the id's next owner has is its own.
  file_.pools[0].backends.push_back(backend(4));
  controller_->reload();
  ASSERT_TRUE(reaches([&] { return backend_status("b4").name == "b4"; }));
  EXPECT_EQ(web().gone.packets, 11U);
}

TEST(PoolTraffic, AnIdThatPassesToAnotherBackendInOneStepIsNotMixedUp) {
  compile::ForwardingState before;
  before.backend_info = {{.used = true, .pool = "web", .name = "b1", .port = 1}};
  compile::ForwardingState now = before;
  std::vector<gw_traffic> row = {{5, 500, 1, 0}};
  PoolTraffic traffic;
  traffic.take_over(before, now, {std::span(row)});
  EXPECT_EQ(traffic.of("web").packets, 0U) << "it stays";
  now.backend_info[0].port = 2;
  traffic.take_over(before, now, {std::span(row)});
  EXPECT_EQ(traffic.of("web").packets, 5U);
  now.backend_info[0].pool = "other";
  traffic.take_over(before, now, {std::span(row)});
  EXPECT_EQ(traffic.of("web").packets, 0U) << "there is no such pool any more";
}

}  // namespace
}  // namespace guideway::control
