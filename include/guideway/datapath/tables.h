// SPDX-License-Identifier: Apache-2.0
// Tables: one generation as a packet path sees it: pointers, wherever the memory is (the compiled
// forwarding state itself, or a copy in memory shared with the kernel).
// Threading: immutable; the memory lives as long as any copy of `keep`.
#ifndef GUIDEWAY_DATAPATH_TABLES_H_
#define GUIDEWAY_DATAPATH_TABLES_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "guideway/compile/forwarding_state.h"
#include "guideway/core/layout.h"

namespace guideway::datapath {

struct Tables {
  const gw_state* state = nullptr;
  const gw_service* services = nullptr;
  const gw_pool* pools = nullptr;
  const std::uint16_t* slots = nullptr;
  const gw_backend* backends = nullptr;
  const gw_nat_address* nat_addresses = nullptr;
  std::shared_ptr<const void> keep;

  std::uint64_t generation() const { return state->generation; }
};

using TablesPtr = std::shared_ptr<const Tables>;

inline TablesPtr tables_of(compile::ForwardingStatePtr state) {
  const compile::ForwardingState& all = *state;
  return std::make_shared<const Tables>(Tables{&all.header, all.services.data(), all.pools.data(),
                                               all.slots.data(), all.backends.data(),
                                               all.nat_addresses.data(), std::move(state)});
}

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_TABLES_H_
