// SPDX-License-Identifier: Apache-2.0
// The first half of Maglev: how many slots each backend gets.
#include <algorithm>
#include <string>
#include <tuple>

#include "guideway/compile/maglev.h"

namespace guideway::compile {
namespace {

/// What is left of a backend's exact share after rounding down, in units of 1 / (sum of weights).
struct Remainder {
  std::uint64_t size = 0;
  std::uint64_t key = 0;
  std::size_t index = 0;
};

/// Larger first. Among equals the order is that of the keys whatever the sum is, so that backends
/// of equal weight keep their rank, and with it nearly all quotas, when one of them leaves.
bool is_served_before(const Remainder& a, const Remainder& b) {
  return std::tie(b.size, a.key) < std::tie(a.size, b.key);
}

std::string weight_of(const MaglevBackend& backend, std::uint64_t sum) {
  return "weight " + std::to_string(backend.weight) + " of " + std::to_string(sum);
}

Result<std::uint64_t> checked_sum(std::span<const MaglevBackend> backends,
                                  std::uint32_t table_size) {
  if (table_size > kMaxMaglevTableSize) {
    return base::fail("table_size " + std::to_string(table_size) + " is above the limit of " +
                      std::to_string(kMaxMaglevTableSize) + ": take a smaller prime");
  }
  std::uint64_t sum = 0;
  for (const MaglevBackend& backend : backends) {
    if (backend.weight > kMaxMaglevWeight) {
      return base::fail("weight " + std::to_string(backend.weight) + " is above the limit of " +
                        std::to_string(kMaxMaglevWeight) + ": scale the pool's weights down");
    }
    sum += backend.weight;
  }
  for (const MaglevBackend& backend : backends) {
    if (backend.weight > 0 && std::uint64_t{backend.weight} * table_size < sum) {
      return base::fail("a backend with " + weight_of(backend, sum) +
                        " is worth less than one of " + std::to_string(table_size) +
                        " slots: take a larger table_size, or make the weights less unequal");
    }
  }
  return sum;
}

}  // namespace

Result<std::vector<std::uint32_t>> maglev_quotas(std::span<const MaglevBackend> backends,
                                                 std::uint32_t table_size) {
  const Result<std::uint64_t> sum = checked_sum(backends, table_size);
  if (!sum) return tl::unexpected(sum.error());
  std::vector<std::uint32_t> quotas(backends.size(), 0);
  if (*sum == 0) return quotas;

  std::vector<Remainder> remainders;
  remainders.reserve(backends.size());
  std::uint32_t left = table_size;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const std::uint64_t share = std::uint64_t{backends[i].weight} * table_size;
    quotas[i] = static_cast<std::uint32_t>(share / *sum);
    left -= quotas[i];
    remainders.push_back({share % *sum, backends[i].key, i});
  }
  // `left` is the sum of the remainders, each below 1, so fewer backends than have one are served.
  const auto end = remainders.begin() + left;
  std::nth_element(remainders.begin(), end, remainders.end(), is_served_before);
  for (auto served = remainders.begin(); served != end; ++served) ++quotas[served->index];
  return quotas;
}

}  // namespace guideway::compile
