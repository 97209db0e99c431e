// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/backend_ids.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "guideway/core/layout.h"

namespace guideway::compile {

BackendIds::BackendIds(std::uint32_t capacity)
    : capacity_(std::min<std::uint32_t>(capacity, GW_NO_BACKEND)) {}

std::optional<std::uint16_t> BackendIds::find(const BackendKey& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint16_t> BackendIds::acquire(const BackendKey& key) {
  if (const std::optional<std::uint16_t> id = find(key)) return id;
  while (lowest_free_ < capacity_ && entries_.contains(static_cast<std::uint16_t>(lowest_free_))) {
    ++lowest_free_;
  }
  if (lowest_free_ >= capacity_) return std::nullopt;
  const auto id = static_cast<std::uint16_t>(lowest_free_++);
  entries_[id].key = key;
  by_key_[key] = id;
  return id;
}

bool BackendIds::restore(std::uint16_t id, Entry entry) {
  if (id >= capacity_ || entries_.contains(id) || by_key_.contains(entry.key)) return false;
  by_key_[entry.key] = id;
  entries_[id] = std::move(entry);
  return true;
}

void BackendIds::release(std::uint16_t id) {
  const auto found = entries_.find(id);
  assert(found != entries_.end() && found->second.removed);
  if (found == entries_.end()) return;
  by_key_.erase(found->second.key);
  entries_.erase(found);
  lowest_free_ = std::min<std::uint32_t>(lowest_free_, id);
}

}  // namespace guideway::compile
