// SPDX-License-Identifier: Apache-2.0
#include "maglev_reference.h"

#include <algorithm>

#include "guideway/core/layout.h"

namespace guideway::compile {
namespace {

/// Written out once more, so that a change of the original does not go unnoticed.
std::uint64_t split_mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint32_t preference(const MaglevBackend& backend, std::uint64_t rank, std::uint64_t size) {
  const std::uint64_t offset = split_mix(backend.key ^ 1) % size;
  const std::uint64_t skip = split_mix(backend.key ^ 2) % (size - 1) + 1;
  return static_cast<std::uint32_t>((offset + rank * skip) % size);
}

void sort_by_key(std::vector<MaglevBackend>& backends) {
  std::erase_if(backends, [](const MaglevBackend& b) { return b.weight == 0; });
  std::sort(backends.begin(), backends.end(), [](auto& a, auto& b) { return a.key < b.key; });
}

}  // namespace

std::vector<std::uint16_t> maglev_by_the_rule(std::vector<MaglevBackend> backends,
                                              std::uint32_t table_size) {
  sort_by_key(backends);
  if (backends.empty()) return {};
  std::vector<std::uint32_t> quotas = maglev_quotas(backends, table_size).value();
  std::uint64_t sum = 0;
  for (const MaglevBackend& backend : backends) sum += backend.weight;
  std::uint64_t mean_power_of_two = 1;
  while (mean_power_of_two * 2 <= sum / backends.size()) mean_power_of_two *= 2;

  std::vector<std::uint16_t> table(table_size, GW_NO_BACKEND);
  std::vector<std::uint64_t> ranks(backends.size(), 0);
  std::uint32_t filled = 0;
  while (filled < table_size) {
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const std::uint64_t number =
          std::clamp<std::uint64_t>(backends[i].weight * 8ull / mean_power_of_two, 1, 65535);
      for (std::uint64_t visit = 0; visit < number && quotas[i] > 0; ++visit) {
        std::uint16_t& slot = table[preference(backends[i], ranks[i]++, table_size)];
        if (slot != GW_NO_BACKEND) continue;
        slot = backends[i].id;
        --quotas[i];
        ++filled;
      }
    }
  }
  return table;
}

std::vector<std::uint16_t> maglev_of_the_paper(std::vector<MaglevBackend> backends,
                                               std::uint32_t table_size) {
  sort_by_key(backends);
  std::vector<std::uint16_t> table(table_size, GW_NO_BACKEND);
  std::vector<std::uint64_t> next(backends.size(), 0);
  std::uint32_t filled = 0;
  while (true) {
    for (std::size_t i = 0; i < backends.size(); ++i) {
      std::uint32_t slot = preference(backends[i], next[i]++, table_size);
      while (table[slot] != GW_NO_BACKEND) slot = preference(backends[i], next[i]++, table_size);
      table[slot] = backends[i].id;
      if (++filled == table_size) return table;
    }
  }
}

}  // namespace guideway::compile
