// SPDX-License-Identifier: Apache-2.0
// The forwarding state that the core benchmark runs against: made by the real compiler from a model
// with one pool, so that its tables lie in memory exactly as guidewayd's do.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_
#define GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_

#include <cstdint>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/compile/compile.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/model/model.h"

namespace guideway::bench {

struct TableSpec {
  /// Of services and backends alike.
  Family family = Family::kIpv4;
  model::Forwarding forwarding = model::Forwarding::kIpip;
  model::Protocol protocol = model::Protocol::kTcp;
  std::uint32_t backends = 1000;
  std::uint32_t services = 1;
  /// Slots of the pool.
  std::uint32_t table_size = model::Pool{}.table_size;
  /// Of forwarding "nat": addresses that flows are translated to.
  std::uint32_t nat_sources = 0;
  /// What the flow hash is keyed by.
  std::uint64_t seed = 1;
};

inline constexpr std::uint16_t kServicePort = 80;

/// Address of the service with this index; all are on kServicePort.
IpAddress service_address(Family family, std::uint32_t index);

/// One generation after another of a model that may change in between, ids and all, as guidewayd
/// compiles them.
class Generations {
 public:
  explicit Generations(const TableSpec& spec);

  /// For changes that the next generation is to have.
  model::Pool& pool() { return input_.model.pools[0]; }
  Result<compile::ForwardingStatePtr> next();

 private:
  compile::Input input_;
};

/// The first generation.
Result<compile::ForwardingStatePtr> make_tables(const TableSpec& spec);

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_
