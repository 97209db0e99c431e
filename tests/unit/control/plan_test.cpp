// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../compile/compile_input.h"

namespace guideway::control {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A generation of compile::make_input(), and what changes of its model would make of it.
class PlanTest : public testing::Test {
 protected:
  void compile_now() {
    const compile::Output output = compile::compiled(input_);
    now_ = output.state;
    next_ = input_;
    next_.ids = output.ids;
    next_.service_ids = output.service_ids;
    for (std::size_t id = 0; id < now_->backend_info.size(); id++)
      live_.push_back(now_->backend_info[id].used ? 1U << id : 0);
  }
  /// The live flows of the backend that runs in `pool`: each has another power of two.
  std::uint32_t live_of(const std::string& pool, const std::string& name) const {
    for (std::size_t id = 0; id < now_->backend_info.size(); id++)
      if (now_->backend_info[id].pool == pool && now_->backend_info[id].name == name)
        return live_[id];
    return 0;
  }
  Plan plan() const { return plan_of(*now_, *compile::compiled(next_).state, live_); }

  compile::Input input_ = compile::make_input();
  compile::ForwardingStatePtr now_;
  std::vector<std::uint32_t> live_;
  compile::Input next_;
};

TEST_F(PlanTest, AServiceThatGetsAnotherPoolLosesTheFlowsOfTheOldOneAtMost) {
  compile_now();
  next_.model.services[1].pool = "web";
  const Plan found = plan();
  EXPECT_THAT(found.removed, IsEmpty()) << "no backend goes";
  ASSERT_THAT(found.services, SizeIs(2)) << "one for each protocol";
  EXPECT_EQ(found.services[0].service, "names");
  EXPECT_EQ(found.services[0].from_pool + " " + found.services[0].to_pool, "dns web");
  EXPECT_EQ(found.services[0].port, 53);
  EXPECT_EQ(found.services[0].live_flows_at_most, live_of("dns", "b4"));
  EXPECT_NE(found.services[0].protocol, found.services[1].protocol);
}

TEST_F(PlanTest, AServiceThatGoesOrGetsAnotherAddressLosesItsFlows) {
  compile_now();
  next_.model.services[0].address = compile::ip("203.0.113.11");
  next_.model.services.pop_back();
  const Plan found = plan();
  ASSERT_THAT(found.services, SizeIs(3));
  for (const ServicePlan& service : found.services) EXPECT_EQ(service.to_pool, "");
  EXPECT_EQ(found.services[0].service, "http");
  EXPECT_EQ(found.services[0].live_flows_at_most,
            live_of("web", "b1") + live_of("web", "b2") + live_of("web", "b3"));
}

TEST_F(PlanTest, AServiceThatGetsAnotherNameOrTimeoutIsNotListed) {
  compile_now();
  next_.model.services[0].name = "www";
  next_.model.services[0].idle_timeout = std::chrono::seconds(7);
  EXPECT_THAT(plan().services, IsEmpty());
}

TEST_F(PlanTest, AGuestIsListedWhereItIsConfiguredAndOnlyIfItGoesThere) {
  input_.model.pools[1].forwarding = model::Forwarding::kL2Dsr;
  input_.model.pools[0].panic.action = model::PanicAction::kFallback;
  input_.model.pools[0].panic.fallback_pool = "dns";
  compile_now();
  ASSERT_NE(live_of("web", "b4"), 0U) << "it is a guest there";
  next_.model.pools[1].backends = {compile::backend(5)};
  const Plan gone = plan();
  ASSERT_THAT(gone.removed, SizeIs(1));
  EXPECT_EQ(gone.removed[0].path.to_string(), "pools/dns/backends/b4");
  EXPECT_EQ(gone.removed[0].live_flows, live_of("web", "b4") + live_of("dns", "b4"));

  next_.model.pools = input_.model.pools;
  next_.model.pools[0].panic = {};
  EXPECT_THAT(plan().removed, IsEmpty()) << "it stays where it is configured";
}

}  // namespace
}  // namespace guideway::control
