// SPDX-License-Identifier: Apache-2.0
// A pool's slot table and ring: built, or taken over from the generation before, if nothing that
// they are made of has changed. Most changes touch one pool of many, and building a table is what a
// generation's time goes into.
// Threading: no state; the generation outlives PreviousTables.
#ifndef GUIDEWAY_COMPILE_POOL_TABLES_H_
#define GUIDEWAY_COMPILE_POOL_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/compile/maglev.h"
#include "guideway/model/model.h"

namespace guideway::compile {

struct PoolTables {
  std::vector<std::uint16_t> slots;
  /// Empty: the scheduler has none.
  std::vector<std::uint16_t> ring;
};

/// `eligible`: who gets new flows, in the model's order. Errors: a weight that gets no slot; two
/// backends with one key.
Result<PoolTables> make_pool_tables(const model::Pool& pool,
                                    std::span<const MaglevBackend> eligible);

class PreviousTables {
 public:
  /// Null: there is none.
  explicit PreviousTables(const ForwardingState* state);

  /// What make_pool_tables() would make again; none: it has to.
  std::optional<PoolTables> find(const model::Pool& pool,
                                 std::span<const MaglevBackend> eligible) const;

 private:
  const ForwardingState* state_;
  std::map<std::string_view, std::size_t> pools_;
};

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_POOL_TABLES_H_
