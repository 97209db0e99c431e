// SPDX-License-Identifier: Apache-2.0
// DeferredStore: another MemoryStore whose names stay as they are until a start has come so far
// that it cannot fail for want of anything: so a failed one leaves what it has found.
// Threading: start-up.
#ifndef GUIDEWAY_DATAPATH_DEFERRED_STORE_H_
#define GUIDEWAY_DATAPATH_DEFERRED_STORE_H_

#include <cstddef>
#include <deque>
#include <string>

#include "guideway/base/result.h"
#include "guideway/datapath/flow_store.h"

namespace guideway::datapath {

class DeferredStore : public MemoryStore {
 public:
  /// `store` outlives it.
  explicit DeferredStore(MemoryStore& store) : store_(store) {}

  std::string name() const override { return store_.name(); }
  bool contains(const std::string& name) const override { return store_.contains(name); }
  Result<StoredMemoryPtr> open(const std::string& name, std::size_t unit) override {
    return store_.open(name, unit);
  }
  Result<StoredMemoryPtr> make(const std::string& name, std::size_t bytes,
                               std::size_t unit) override {
    return store_.make(name, bytes, unit);
  }
  /// Later, in carry_out(): `memory` lives until then.
  Result<void> put(StoredMemory& memory, const std::string& name) override {
    steps_.push_back({&memory, name});
    return {};
  }
  void remove(const std::string& name) override { steps_.push_back({nullptr, name}); }

  /// Does what was put off, in that order. After an error the next call goes on where it failed.
  Result<void> carry_out();

 private:
  struct Step {
    StoredMemory* memory;  // null: remove
    std::string name;
  };

  MemoryStore& store_;
  std::deque<Step> steps_;
};

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_DEFERRED_STORE_H_
