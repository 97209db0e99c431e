// SPDX-License-Identifier: Apache-2.0
// BackendTable: the backends that packets came for, in the order in which they were first seen.
// Threading: one thread.
#ifndef GUIDEWAY_TOOLS_PKTGEN_BACKENDS_H_
#define GUIDEWAY_TOOLS_PKTGEN_BACKENDS_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "dissect.h"

namespace guideway::pktgen {

struct BackendTotals {
  BackendKey key;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  /// Flows whose first packet came for it.
  std::uint64_t flows = 0;
};

class BackendTable {
 public:
  /// Numbers fit 15 bits. All further backends share the last one.
  static constexpr std::uint16_t kMost = 32767;

  /// From 1 on.
  std::uint16_t number_of(const BackendKey& key);
  BackendTotals& totals(std::uint16_t number) { return totals_[number - 1u]; }
  const std::vector<BackendTotals>& all() const { return totals_; }

 private:
  struct Hash {
    std::size_t operator()(const BackendKey& key) const noexcept;
  };
  std::unordered_map<BackendKey, std::uint16_t, Hash> numbers_;
  std::vector<BackendTotals> totals_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_BACKENDS_H_
