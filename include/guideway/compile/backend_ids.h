// SPDX-License-Identifier: Apache-2.0
// BackendIds: the mapping backend id <-> (pool, address, port). Flow entries hold ids, so an id
// keeps its meaning until no published generation names it and a full sweep has found no entry with
// it. Threading: a value.
#ifndef GUIDEWAY_COMPILE_BACKEND_IDS_H_
#define GUIDEWAY_COMPILE_BACKEND_IDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// What an id means.
using model::BackendKey;

class BackendIds {
 public:
  struct Entry {
    BackendKey key;
    bool removed = false;
    /// Of the last model that had it; what is needed to keep rewriting for old flows after removal.
    std::string name;
    model::Forwarding forwarding = model::Forwarding::kL2Dsr;
    std::optional<model::Vxlan> vxlan;
    std::optional<model::Gre> gre;
    std::optional<model::Gue> gue;
    std::optional<IpAddress> source;
    /// Longest idle timeout of the services that used the pool.
    std::uint16_t sweep_timeout_s = 0;
  };

  /// Gives out ids below `capacity`; at most 0xffff, which itself means "no backend".
  explicit BackendIds(std::uint32_t capacity = 0);

  std::uint32_t capacity() const { return capacity_; }
  /// The id of `key`, removed or not.
  std::optional<std::uint16_t> find(const BackendKey& key) const;
  /// Finds or gives out the lowest free id; none when all `capacity` ids are held.
  std::optional<std::uint16_t> acquire(const BackendKey& key);
  /// Gives `id` the meaning that it had in an earlier life. False, and nothing changes, when the id
  /// is at or above `capacity`, is held, or when its key has another id.
  bool restore(std::uint16_t id, Entry entry);
  const Entry& at(std::uint16_t id) const { return entries_.at(id); }
  Entry& at(std::uint16_t id) { return entries_.at(id); }
  /// Ordered by id.
  const std::map<std::uint16_t, Entry>& entries() const { return entries_; }
  /// REQUIRES: the id is removed, no published generation names it, and a full sweep found no
  /// entry.
  void release(std::uint16_t id);

 private:
  std::uint32_t capacity_;
  /// No id below this one is free.
  std::uint32_t lowest_free_ = 0;
  std::map<std::uint16_t, Entry> entries_;
  std::map<BackendKey, std::uint16_t> by_key_;
};

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_BACKEND_IDS_H_
