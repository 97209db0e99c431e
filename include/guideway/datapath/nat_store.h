// SPDX-License-Identifier: Apache-2.0
// NatStore: the NAT table in a named piece of memory that outlives the daemon, beside the flow
// table whose backend ids and hash seed it shares. Each plane says itself whose it is, so that an
// address finds its flows again whatever else has changed. Threading: start-up; note() on one
// thread at a time.
#ifndef GUIDEWAY_DATAPATH_NAT_STORE_H_
#define GUIDEWAY_DATAPATH_NAT_STORE_H_

#include <cstddef>
#include <cstdint>

#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/compile/nat_ids.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/flow_store.h"

namespace guideway::datapath {

class NatStore {
 public:
  static constexpr const char* kNat = "nat";
  static constexpr std::size_t kUnit = sizeof(gw_nat_bucket);

  /// A table of `planes` or more. `adopt`: with what is stored, which shares the flow table's fate;
  /// a stored one that is too small is copied into a larger one, and flows begun meanwhile are
  /// lost. Without: an empty one. Errors: no memory.
  static Result<NatStore> open(MemoryStore& store, std::uint32_t planes, bool adopt);

  NatTableView view() const;
  /// Whose planes they are.
  compile::NatIds ids() const;
  /// Of a BPF map; -1: there is none, or no table.
  int fd() const { return memory_ ? memory_->fd() : -1; }

  /// Writes whose planes they are in `state`. Before any packet uses it.
  void note(const compile::ForwardingState& state);

 private:
  NatStore() = default;

  StoredMemoryPtr memory_;  // null: no planes
};

/// The planes' owners as a table's memory says, which is checked.
compile::NatIds read_nat_ids(const NatTableView& table);
/// Writes them.
void write_nat_ids(const NatTableView& table, const compile::NatIds& ids);

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_NAT_STORE_H_
