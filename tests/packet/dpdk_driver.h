// SPDX-License-Identifier: Apache-2.0
// DpdkDriver: a real DPDK worker on two ports whose wires are rings, without huge pages or root.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_DPDK_DRIVER_H_
#define GUIDEWAY_TESTS_PACKET_DPDK_DRIVER_H_

#include "tests/packet/driver.h"
#include "tests/support/generations.h"
#include "worker_fixture.h"

namespace guideway::test {

class DpdkDriver : public Driver {
 public:
  DpdkDriver();

  bool can_fragment() const override { return true; }
  Result<void> reset() override;
  Result<void> publish(const World& world) override;
  Result<Sent> send(const Bytes& frame) override;
  Counts counts() override;
  const compile::ForwardingState& state() override { return *state_; }
  std::span<gw_flow_bucket> flow_table() override { return worker_.flow_table().buckets; }
  std::uint32_t now_s() override { return now_s_; }
  std::span<gw_nat_bucket> nat_table() override { return worker_.nat_table().buckets; }

 private:
  static constexpr unsigned kInterfaces = 2;
  static constexpr std::uint32_t kBackends = 64;
  static constexpr std::uint32_t kServices = 256;

  datapath::dpdk::testing::WorkerFixture worker_;
  Generations generations_{kBackends, kNatPlanes};
  compile::ForwardingStatePtr state_;
  std::uint32_t now_s_ = 1000;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_DPDK_DRIVER_H_
