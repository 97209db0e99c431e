// SPDX-License-Identifier: Apache-2.0
// CoreDriver: the bare core, by gw_balance() or by its prefetching twin gw_balance_burst().
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_PACKET_CORE_DRIVER_H_
#define GUIDEWAY_TESTS_PACKET_CORE_DRIVER_H_

#include <memory>

#include "tests/packet/driver.h"
#include "tests/support/core_world.h"

namespace guideway::test {

enum class CorePath { kOneByOne, kBurst };

class CoreDriver : public Driver {
 public:
  explicit CoreDriver(CorePath path) : path_(path) {}

  Result<void> reset() override;
  Result<void> publish(const World& world) override;
  Result<Sent> send(const Bytes& frame) override;
  Counts counts() override;
  const compile::ForwardingState& state() override { return world_->state(); }
  std::span<gw_flow_bucket> flow_table() override { return world_->buckets(); }
  std::span<gw_nat_bucket> nat_table() override { return world_->nat_buckets(); }
  std::uint32_t now_s() override { return world_->now_s(); }

 private:
  CorePath path_;
  std::unique_ptr<CoreWorld> world_;
};

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_PACKET_CORE_DRIVER_H_
