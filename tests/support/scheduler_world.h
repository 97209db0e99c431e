// SPDX-License-Identifier: Apache-2.0
// SchedulerWorld: what scheduler_test.cpp needs of a datapath. The same tests are built once with
// each: the bare core, DPDK workers, the XDP program.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_SUPPORT_SCHEDULER_WORLD_H_
#define GUIDEWAY_TESTS_SUPPORT_SCHEDULER_WORLD_H_

#include <memory>
#include <span>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"
#include "tests/support/frame.h"

namespace guideway::test {

class SchedulerWorld {
 public:
  virtual ~SchedulerWorld() = default;

  virtual Result<void> publish(compile::ForwardingStatePtr state) = 0;
  /// The frame comes in by this shard's queue, and must be forwarded.
  virtual Result<void> send(const Bytes& frame, unsigned shard) = 0;
  /// As Datapath::backend_rows().
  virtual std::vector<std::span<gw_traffic>> backend_rows() = 0;
};

/// Room for that many flows in a shard, at least.
inline constexpr std::uint32_t kSchedulerFlows = 20'000;
inline constexpr std::uint32_t kSchedulerBackends = 64;

/// Defined by the test program. Null: it has said why.
std::unique_ptr<SchedulerWorld> make_scheduler_world(unsigned shards);

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_SCHEDULER_WORLD_H_
