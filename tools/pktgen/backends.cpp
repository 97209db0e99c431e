// SPDX-License-Identifier: Apache-2.0
#include "backends.h"

#include <cstring>

namespace guideway::pktgen {

std::size_t BackendTable::Hash::operator()(const BackendKey& key) const noexcept {
  std::uint64_t words[2];
  std::memcpy(words, key.bytes.data(), sizeof words);
  return mix(words[0] ^ mix(words[1] + static_cast<unsigned>(key.tunnel)));
}

std::uint16_t BackendTable::number_of(const BackendKey& key) {
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  if (totals_.size() == kMost) return kMost;
  totals_.push_back({.key = key});
  const auto number = static_cast<std::uint16_t>(totals_.size());
  numbers_.emplace(key, number);
  return number;
}

}  // namespace guideway::pktgen
