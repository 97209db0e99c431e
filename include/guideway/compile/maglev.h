// SPDX-License-Identifier: Apache-2.0
// Weighted Maglev: which backend each slot of a pool's table names. Every backend gets its exact
// share of the slots, rounded to a whole number; the same backends give the same table, in whatever
// order they are named and on whatever machine; and a backend that comes or goes moves few slots of
// others. docs/adr/maglev-exact-shares.md says where this departs from the paper, and why.
// Threading: no state.
// Source: Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer, NSDI 2016,
// §3.4; the shares: largest remainder (Hamilton's method of apportionment).
#ifndef GUIDEWAY_COMPILE_MAGLEV_H_
#define GUIDEWAY_COMPILE_MAGLEV_H_

#include <cstdint>
#include <span>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::compile {

struct MaglevBackend {
  /// Who it is, from maglev_key(): decides which slots it prefers. Unique in its table.
  std::uint64_t key = 0;
  /// 0: gets no slot.
  std::uint32_t weight = 0;
  /// What its slots hold; not GW_NO_BACKEND. Has no influence on which slots those are.
  std::uint16_t id = 0;
  friend bool operator==(const MaglevBackend&, const MaglevBackend&) = default;
};

/// 32 MB of slots; the products below stay within 64 bits.
inline constexpr std::uint32_t kMaxMaglevTableSize = 1u << 24;
inline constexpr std::uint32_t kMaxMaglevWeight = 1'000'000;

/// The key of a backend. From address and port alone, so that a pool that is renamed, or a backend
/// that is, keeps its slots.
std::uint64_t maglev_key(const IpAddress& address, std::uint16_t port);

/// How many slots each backend gets, in the order of `backends`: its exact share rounded up or
/// down, table_size together. All 0 if no backend has a weight. Ties are decided by key. Errors: a
/// weight above 0 whose exact share is below one slot, so that leaving a backend out never turns an
/// accepted pool into a refused one; limits above exceeded.
Result<std::vector<std::uint32_t>> maglev_quotas(std::span<const MaglevBackend> backends,
                                                 std::uint32_t table_size);

/// The table: backend ids, `table_size` of them; empty if no backend has a weight.
/// Errors: those of maglev_quotas(); size not prime; a key twice.
/// Cost: about table_size × ln(table_size) steps of 3 to 4 cycles; see `tools/bench maglev`.
Result<std::vector<std::uint16_t>> maglev_table(std::span<const MaglevBackend> backends,
                                                std::uint32_t table_size);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_MAGLEV_H_
