// SPDX-License-Identifier: Apache-2.0
// The forwarding state that the core benchmark runs against: made by the real compiler from a model
// with one pool, so that its tables lie in memory exactly as guidewayd's do.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_
#define GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_

#include <cstdint>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/model/model.h"

namespace guideway::bench {

struct TableSpec {
  /// Of services and backends alike.
  Family family = Family::kIpv4;
  model::Forwarding forwarding = model::Forwarding::kIpip;
  std::uint32_t backends = 1000;
  std::uint32_t services = 1;
};

inline constexpr std::uint16_t kServicePort = 80;

/// Address of the service with this index; all are TCP on kServicePort.
IpAddress service_address(Family family, std::uint32_t index);

Result<compile::ForwardingStatePtr> make_tables(const TableSpec& spec);

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_CORE_TABLES_H_
