// SPDX-License-Identifier: Apache-2.0
// The second half of Maglev: which slots each backend gets.
//
// Every backend has a permutation of the slots, its preferences: offset, offset + skip, … modulo
// the prime size. In each round every backend whose quota is open has one turn, in the order of the
// keys: it goes through its next few preferences, as many as its weight says, and claims those that
// are free.
//
// What makes this fast: a turn first only looks whether any of its slots is free (late in the game
// hardly one is), and claims without a branch per slot; and the last few slots, which would take as
// many steps as all before, are not searched for but computed, from the inverse of the permutation.
#include "guideway/compile/maglev.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "guideway/compile/prime.h"
#include "guideway/core/hash.h"

namespace guideway::compile {
namespace {

/// Preferences of a backend of mean weight in one turn: 8 to 15, as the mean is rounded down to a
/// power of two. Many enough to tell weights apart and to make turns cheap, few beside a usual
/// quota of 65.
constexpr std::uint64_t kMeanPreferencesPerTurn = 8;
constexpr std::uint64_t kMaxPreferencesPerTurn = 0xffff;

/// From here on computing is cheaper than searching: 64 of 65,537 slots take 300,000 steps to find.
constexpr std::uint32_t kLastSlots = 64;

/// A backend whose quota is not met.
struct Claimant {
  std::uint32_t position;
  std::uint32_t skip;
  std::uint32_t wanted;
  std::uint32_t preferences_per_turn;
  std::uint32_t offset;
  std::uint16_t id;
};

inline std::uint32_t advance(std::uint32_t position, std::uint32_t skip, std::uint32_t size) {
  const std::uint32_t sum = position + skip;
  return sum < size ? sum : sum - size;
}

/// The table while it is filled.
class Table {
 public:
  explicit Table(std::uint32_t size)
      : size_(size), free_(size), slots_(size + 1), is_free_(size, 1) {}

  std::uint32_t free() const { return free_; }

  void take_turn(Claimant& claimant);
  void claim(Claimant& claimant, std::uint32_t slot);
  bool is_free(std::uint32_t slot) const { return is_free_[slot] != 0; }
  std::vector<std::uint32_t> free_slots() const;
  std::vector<std::uint16_t> finish() &&;

 private:
  std::uint32_t size_;
  std::uint32_t free_;
  /// The entry behind the last one is a sink, for stores that are not to happen.
  std::vector<std::uint16_t> slots_;
  /// Bytes, not bits: a test is one instruction, and 64 KB stay in the second-level cache.
  std::vector<std::uint8_t> is_free_;
};

inline void Table::take_turn(Claimant& claimant) {
  // Copies: a store through a byte pointer could change any member, for all that the compiler
  // knows.
  std::uint8_t* const is_free = is_free_.data();
  std::uint16_t* const slots = slots_.data();
  const std::uint32_t size = size_;
  const std::uint32_t skip = claimant.skip;
  const std::uint32_t preferences = claimant.preferences_per_turn;

  std::uint32_t position = claimant.position;
  std::uint8_t any_free = 0;
  for (std::uint32_t i = preferences; i > 0; --i) {
    any_free |= is_free[position];
    position = advance(position, skip, size);
  }
  const std::uint32_t start = std::exchange(claimant.position, position);
  if (any_free == 0) return;

  const std::uint16_t id = claimant.id;
  std::uint32_t wanted = claimant.wanted;
  position = start;
  for (std::uint32_t i = preferences; i > 0 && wanted > 0; --i) {
    const std::uint32_t free = is_free[position];
    is_free[position] = 0;
    slots[free != 0 ? position : size] = id;
    wanted -= free;
    position = advance(position, skip, size);
  }
  free_ -= claimant.wanted - wanted;
  claimant.wanted = wanted;
}

void Table::claim(Claimant& claimant, std::uint32_t slot) {
  is_free_[slot] = 0;
  slots_[slot] = claimant.id;
  --claimant.wanted;
  --free_;
}

std::vector<std::uint32_t> Table::free_slots() const {
  std::vector<std::uint32_t> result;
  auto slot = is_free_.begin();
  while ((slot = std::find(slot, is_free_.end(), 1)) != is_free_.end()) {
    result.push_back(static_cast<std::uint32_t>(slot - is_free_.begin()));
    ++slot;
  }
  return result;
}

std::vector<std::uint16_t> Table::finish() && {
  slots_.resize(size_);
  return std::move(slots_);
}

/// Backends with a weight, in the order of their keys, which is the order of their turns.
Result<std::vector<MaglevBackend>> in_turn_order(std::span<const MaglevBackend> backends) {
  std::vector<MaglevBackend> result;
  result.reserve(backends.size());
  for (const MaglevBackend& backend : backends) {
    if (backend.weight > 0) result.push_back(backend);
  }
  std::sort(result.begin(), result.end(),
            [](const MaglevBackend& a, const MaglevBackend& b) { return a.key < b.key; });
  const auto same_key = [](const MaglevBackend& a, const MaglevBackend& b) {
    return a.key == b.key;
  };
  if (std::adjacent_find(result.begin(), result.end(), same_key) != result.end()) {
    return base::fail("two backends of a pool have the same address and port: remove one of them");
  }
  return result;
}

/// Scaled by a power of two only, so that a backend's number hardly ever changes because of others.
std::uint32_t preferences_per_turn(std::uint32_t weight, std::uint64_t mean_weight) {
  const auto scale = std::bit_width(mean_weight) - 1;
  const std::uint64_t number = (weight * kMeanPreferencesPerTurn) >> scale;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(number, 1, kMaxPreferencesPerTurn));
}

std::vector<Claimant> make_claimants(const std::vector<MaglevBackend>& backends,
                                     const std::vector<std::uint32_t>& quotas,
                                     std::uint32_t table_size) {
  std::uint64_t sum = 0;
  for (const MaglevBackend& backend : backends) sum += backend.weight;
  std::vector<Claimant> claimants;
  claimants.reserve(backends.size());
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const MaglevBackend& backend = backends[i];
    const auto offset = static_cast<std::uint32_t>(gw_spread(backend.key ^ 1) % table_size);
    const auto skip = static_cast<std::uint32_t>(gw_spread(backend.key ^ 2) % (table_size - 1) + 1);
    claimants.push_back(
        {.position = offset,
         .skip = skip,
         .wanted = quotas[i],
         .preferences_per_turn = preferences_per_turn(backend.weight, sum / backends.size()),
         .offset = offset,
         .id = backend.id});
  }
  return claimants;
}

/// Plays rounds until at most kLastSlots slots are free; leaves the claimants that still want some.
void play_rounds(Table& table, std::vector<Claimant>& claimants) {
  std::size_t open = claimants.size();
  while (table.free() > kLastSlots) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < open; ++i) {
      Claimant claimant = claimants[i];
      table.take_turn(claimant);
      claimants[kept] = claimant;
      kept += claimant.wanted > 0 ? 1 : 0;
    }
    open = kept;
  }
  claimants.resize(open);
}

/// x with value × x = 1 modulo `prime`. REQUIRES: 0 < value < prime.
std::uint32_t inverse(std::uint32_t value, std::uint32_t prime) {
  std::int64_t x = 0;
  std::int64_t next_x = 1;
  std::int64_t rest = prime;
  std::int64_t next_rest = value;
  while (next_rest != 0) {
    const std::int64_t quotient = rest / next_rest;
    x = std::exchange(next_x, x - quotient * next_x);
    rest = std::exchange(next_rest, rest - quotient * next_rest);
  }
  return static_cast<std::uint32_t>(x < 0 ? x + prime : x);
}

/// A claimant coming to a free slot, in some round still to be played.
struct Visit {
  /// Round, then claimant, then its preference within the turn.
  std::uint64_t order;
  std::uint32_t slot;
};

/// All visits that the rounds to come can see, in their order.
std::vector<Visit> last_visits(const Table& table, const std::vector<Claimant>& claimants,
                               std::uint32_t table_size) {
  const std::vector<std::uint32_t> slots = table.free_slots();
  std::vector<Visit> visits;
  visits.reserve(slots.size() * claimants.size());
  for (std::size_t i = 0; i < claimants.size(); ++i) {
    const Claimant& claimant = claimants[i];
    const std::uint64_t inverse_skip = inverse(claimant.skip, table_size);
    for (const std::uint32_t slot : slots) {
      const std::uint64_t distance = slot + table_size - claimant.offset;
      const std::uint64_t rank = distance * inverse_skip % table_size;
      const std::uint64_t round = rank / claimant.preferences_per_turn;
      const std::uint64_t within_turn = rank % claimant.preferences_per_turn;
      visits.push_back({round << 32 | std::uint64_t{i} << 16 | within_turn, slot});
    }
  }
  std::sort(visits.begin(), visits.end(),
            [](const Visit& a, const Visit& b) { return a.order < b.order; });
  return visits;
}

/// Gives the last slots to those that searching would have given them to.
void settle_last_slots(Table& table, std::vector<Claimant>& claimants, std::uint32_t table_size) {
  for (const Visit& visit : last_visits(table, claimants, table_size)) {
    Claimant& claimant = claimants[visit.order >> 16 & 0xffff];
    if (claimant.wanted > 0 && table.is_free(visit.slot)) table.claim(claimant, visit.slot);
  }
}

}  // namespace

std::uint64_t maglev_key(const IpAddress& address, std::uint16_t port) {
  std::uint64_t halves[2] = {0, 0};
  for (std::size_t i = 0; i < 16; ++i) {
    halves[i / 8] |= std::uint64_t{address.bytes()[i]} << (8 * (i % 8));
  }
  const auto family = static_cast<std::uint64_t>(address.family());
  std::uint64_t key = gw_spread(halves[0] + 0x9e3779b97f4a7c15u);
  key = gw_spread(key ^ halves[1]);
  return gw_spread(key ^ (std::uint64_t{port} | family << 16));
}

Result<std::vector<std::uint16_t>> maglev_table(std::span<const MaglevBackend> backends,
                                                std::uint32_t table_size) {
  if (!is_prime(table_size)) {
    return base::fail("table_size " + std::to_string(table_size) +
                      " is not a prime number: take a prime, such as 65537");
  }
  const Result<std::vector<MaglevBackend>> ordered = in_turn_order(backends);
  if (!ordered) return tl::unexpected(ordered.error());
  const Result<std::vector<std::uint32_t>> quotas = maglev_quotas(*ordered, table_size);
  if (!quotas) return tl::unexpected(quotas.error());
  if (ordered->empty()) return std::vector<std::uint16_t>{};

  std::vector<Claimant> claimants = make_claimants(*ordered, *quotas, table_size);
  Table table(table_size);
  play_rounds(table, claimants);
  settle_last_slots(table, claimants, table_size);
  return std::move(table).finish();
}

}  // namespace guideway::compile
