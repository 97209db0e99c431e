// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/schedule_ring.h"

#include <algorithm>
#include <numeric>

namespace guideway::compile {
namespace {

/// One turn of a backend.
struct Turn {
  std::uint64_t when = 0;
  std::uint16_t id = 0;
};

/// How often each backend stands in the ring.
Result<std::vector<std::uint32_t>> turns_of(std::span<const MaglevBackend> backends,
                                            std::uint32_t most) {
  std::uint64_t sum = 0;
  std::uint32_t divisor = 0;
  for (const MaglevBackend& backend : backends) {
    sum += backend.weight;
    divisor = std::gcd(divisor, backend.weight);
  }
  if (divisor == 0 || sum / divisor > most) return maglev_quotas(backends, most);
  std::vector<std::uint32_t> turns;
  turns.reserve(backends.size());
  for (const MaglevBackend& backend : backends) turns.push_back(backend.weight / divisor);
  return turns;
}

/// The middle of the `number`th of `count` equal parts of a round, which is 2^38 long. REQUIRES:
/// count ≤ kMaxMaglevTableSize = 2^24, so that the product fits.
std::uint64_t middle_of(std::uint32_t number, std::uint32_t count) {
  return ((2 * std::uint64_t{number} + 1) << 38) / (2 * std::uint64_t{count});
}

}  // namespace

Result<std::vector<std::uint16_t>> schedule_ring(std::span<const MaglevBackend> backends,
                                                 std::uint32_t most) {
  const Result<std::vector<std::uint32_t>> counts = turns_of(backends, most);
  if (!counts) return tl::unexpected(counts.error());
  std::vector<Turn> turns;
  turns.reserve(std::accumulate(counts->begin(), counts->end(), std::size_t{0}));
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const std::uint32_t count = (*counts)[i];
    for (std::uint32_t number = 0; number < count; ++number)
      turns.push_back({middle_of(number, count), backends[i].id});
  }
  std::stable_sort(turns.begin(), turns.end(),
                   [](const Turn& a, const Turn& b) { return a.when < b.when; });
  std::vector<std::uint16_t> ring;
  ring.reserve(turns.size());
  for (const Turn& turn : turns) ring.push_back(turn.id);
  return ring;
}

}  // namespace guideway::compile
