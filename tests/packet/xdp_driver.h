// SPDX-License-Identifier: Apache-2.0
// XdpDriver: the loaded XDP program, by BPF_PROG_TEST_RUN. Needs root.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_XDP_DRIVER_H_
#define GUIDEWAY_TESTS_PACKET_XDP_DRIVER_H_

#include <memory>
#include <utility>

#include "tests/packet/driver.h"
#include "tests/support/generations.h"
#include "tests/support/xdp_world.h"

namespace guideway::test {

class XdpDriver : public Driver {
 public:
  static constexpr XdpWorld::Size kSize{.services = 256, .nat_planes = kNatPlanes};

  explicit XdpDriver(std::unique_ptr<XdpWorld> world) : world_(std::move(world)) {}

  /// The kernel gives no program a frame without a whole Ethernet header.
  bool can_receive(const Bytes& frame) const override {
    return frame.size() >= XdpWorld::kShortestFrame;
  }
  Result<void> reset() override;
  Result<void> publish(const World& world) override;
  Result<Sent> send(const Bytes& frame) override;
  Counts counts() override;
  const compile::ForwardingState& state() override { return *state_; }
  std::span<gw_flow_bucket> flow_table() override { return world_->buckets(); }
  std::span<gw_nat_bucket> nat_table() override { return world_->nat_buckets(); }
  std::uint32_t now_s() override { return world_->now_s(); }

 private:
  std::unique_ptr<XdpWorld> world_;
  Generations generations_{kSize.backends, kNatPlanes};
  compile::ForwardingStatePtr state_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_XDP_DRIVER_H_
