// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/maglev.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "guideway/compile/prime.h"
#include "guideway/core/layout.h"
#include "maglev_reference.h"

namespace guideway::compile {
namespace {

using ::testing::HasSubstr;

using Weight = std::function<std::uint32_t(std::size_t)>;

MaglevBackend make_backend(std::size_t i, std::uint32_t weight) {
  const auto high = static_cast<std::uint8_t>(i >> 8);
  const auto low = static_cast<std::uint8_t>(i);
  return {maglev_key(IpAddress::v4({10, 1, high, low}), 0), weight, static_cast<std::uint16_t>(i)};
}

std::vector<MaglevBackend> make_backends(std::size_t count, const Weight& weight) {
  std::vector<MaglevBackend> backends;
  for (std::size_t i = 0; i < count; ++i) backends.push_back(make_backend(i, weight(i)));
  return backends;
}

std::uint32_t equal_weight(std::size_t) { return 100; }

std::vector<std::uint16_t> table_of(const std::vector<MaglevBackend>& backends,
                                    std::uint32_t size) {
  const auto table = maglev_table(backends, size);
  EXPECT_TRUE(table) << table.error().message;
  return table.value_or(std::vector<std::uint16_t>{});
}

std::vector<std::uint32_t> count_slots(const std::vector<std::uint16_t>& table,
                                       std::size_t backends) {
  std::vector<std::uint32_t> counts(backends, 0);
  for (const std::uint16_t id : table) ++counts.at(id);
  return counts;
}

/// A shape of a pool's weights.
struct WeightSet {
  std::string name;
  std::size_t backends;
  std::uint32_t size;
  Weight weight;
};

std::vector<WeightSet> weight_sets() {
  return {
      {"one", 1, 65537, equal_weight},
      {"two", 2, 65537, equal_weight},
      {"equal", 1000, 65537, equal_weight},
      {"equal, weight 1", 333, 65537, [](std::size_t) { return 1u; }},
      {"1 to 100", 100, 65537, [](std::size_t i) { return static_cast<std::uint32_t>(i + 1); }},
      {"a giant", 1000, 65537, [](std::size_t i) { return i == 7 ? 60'000u : 10u; }},
      {"a dwarf", 100, 65537, [](std::size_t i) { return i == 7 ? 1u : 600u; }},
      {"some with 0", 200, 65537, [](std::size_t i) { return i % 3 == 0 ? 0u : 50u; }},
      {"powers of two", 10, 4099, [](std::size_t i) { return 1u << i; }},
      {"as many as slots", 251, 251, equal_weight},
      {"tiny table", 2, 2, equal_weight},
      {"smaller than the last slots", 5, 61, [](std::size_t i) { return i < 1 ? 10u : 3u; }},
  };
}

class MaglevWeights : public ::testing::TestWithParam<WeightSet> {};

INSTANTIATE_TEST_SUITE_P(Sets, MaglevWeights, ::testing::ValuesIn(weight_sets()),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

/// The demand: |slots − exact share| ≤ max(2, 1 % of the share). What we keep: less than 1.
void expect_shares(const WeightSet& set) {
  const auto backends = make_backends(set.backends, set.weight);
  const auto table = table_of(backends, set.size);
  ASSERT_EQ(table.size(), set.size);
  const auto counts = count_slots(table, backends.size());
  double sum = 0;
  for (const MaglevBackend& backend : backends) sum += backend.weight;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const double share = backends[i].weight * static_cast<double>(set.size) / sum;
    EXPECT_LT(std::abs(counts[i] - share), 1.0)
        << "backend " << i << " of weight " << backends[i].weight;
    EXPECT_EQ(counts[i] > 0, backends[i].weight > 0) << "backend " << i;
  }
}

TEST_P(MaglevWeights, EveryBackendGetsItsShareRoundedUpOrDown) { expect_shares(GetParam()); }

/// A large table takes seconds under the sanitizers: once is enough.
TEST(Maglev, EveryBackendOfALargeTableGetsItsShare) {
  expect_shares(
      {"1 to 1000", 1000, 655373, [](std::size_t i) { return static_cast<std::uint32_t>(i + 1); }});
}

TEST_P(MaglevWeights, AgreesWithTheRulePlayedSlotBySlot) {
  const auto backends = make_backends(GetParam().backends, GetParam().weight);
  EXPECT_EQ(table_of(backends, GetParam().size), maglev_by_the_rule(backends, GetParam().size));
}

TEST_P(MaglevWeights, TheOrderOfBackendsDoesNotMatter) {
  auto backends = make_backends(GetParam().backends, GetParam().weight);
  const auto table = table_of(backends, GetParam().size);
  std::shuffle(backends.begin(), backends.end(), std::mt19937(1));
  EXPECT_EQ(table_of(backends, GetParam().size), table);
  std::reverse(backends.begin(), backends.end());
  EXPECT_EQ(table_of(backends, GetParam().size), table);
}

TEST(Maglev, AgreesWithTheRuleOnRandomPools) {
  std::mt19937 random(42);
  const std::uint32_t sizes[] = {67, 127, 251, 509, 1021, 2039};
  for (int round = 0; round < 150; ++round) {
    const std::uint32_t size = sizes[random() % std::size(sizes)];
    const std::size_t count = 1 + random() % 20;
    const std::uint32_t spread = 1 + random() % 40;
    const auto backends = make_backends(count, [&](std::size_t) { return random() % spread; });
    if (!maglev_quotas(backends, size)) continue;
    ASSERT_EQ(table_of(backends, size), maglev_by_the_rule(backends, size)) << "round " << round;
  }
}

TEST(Maglev, QuotasAreWithinOneOfTheShareAndFillTheTable) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = 1 + random() % 300;
    const std::uint32_t spread = 1 + random() % 1000;
    const auto backends = make_backends(count, [&](std::size_t) { return random() % spread; });
    std::uint64_t sum = 0;
    for (const MaglevBackend& backend : backends) sum += backend.weight;
    const auto quotas = maglev_quotas(backends, 655373);
    ASSERT_TRUE(quotas) << quotas.error().message;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t scaled = std::uint64_t{(*quotas)[i]} * sum;
      const std::uint64_t share = std::uint64_t{backends[i].weight} * 655373;
      ASSERT_LT(scaled > share ? scaled - share : share - scaled, std::max<std::uint64_t>(sum, 1));
      total += (*quotas)[i];
    }
    ASSERT_EQ(total, sum == 0 ? 0u : 655373u);
  }
}

/// Share of slots that change although their backend stays, in percent.
double moved_percent(const std::vector<std::uint16_t>& before,
                     const std::vector<std::uint16_t>& after) {
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i] ? 1 : 0;
  return 100.0 * static_cast<double>(moved) / static_cast<double>(before.size());
}

struct Removal {
  std::uint32_t slots;
  double beyond_its_share;  // percent of the slots: docs/configuration.md, table_size
};
class MaglevRemoval : public ::testing::TestWithParam<std::tuple<Removal, std::size_t>> {};

std::string removal_name(const ::testing::TestParamInfo<MaglevRemoval::ParamType>& info) {
  const auto& [removal, count] = info.param;
  return std::to_string(removal.slots) + "_" + std::to_string(count);
}

INSTANTIATE_TEST_SUITE_P(Backends, MaglevRemoval,
                         ::testing::Combine(::testing::Values(Removal{65537, 1.0}),
                                            ::testing::Values(2, 3, 4, 5, 7, 10, 20, 50, 100, 200,
                                                              350, 500, 700, 1000)),
                         removal_name);
INSTANTIATE_TEST_SUITE_P(
    SmallTables, MaglevRemoval,
    ::testing::Combine(::testing::Values(Removal{16381, 1.0}, Removal{8191, 1.25},
                                         Removal{4099, 2.0}, Removal{1021, 4.0}),
                       ::testing::Values(2, 3, 4, 5, 7, 10, 20, 50, 100)),
    removal_name);

TEST_P(MaglevRemoval, RemovingOneOfEqualBackendsMovesFewOthers) {
  const auto& [removal, count] = GetParam();
  const auto backends = make_backends(count, equal_weight);
  const auto before = table_of(backends, removal.slots);
  for (std::size_t victim : {std::size_t{0}, count / 3, count / 2, count - 1}) {
    auto rest = backends;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(victim));
    const double moved = moved_percent(before, table_of(rest, removal.slots));
    EXPECT_LE(moved, 100.0 / static_cast<double>(count) + removal.beyond_its_share)
        << "without backend " << victim;
  }
}

TEST(Maglev, MovesFewerSlotsThanThePapersTable) {
  const auto backends = make_backends(500, equal_weight);
  auto rest = backends;
  rest.erase(rest.begin() + 123);
  const double ours = moved_percent(table_of(backends, 65537), table_of(rest, 65537));
  const double papers =
      moved_percent(maglev_of_the_paper(backends, 65537), maglev_of_the_paper(rest, 65537));
  EXPECT_LT(ours, papers);
}

TEST(Maglev, RemovalOfAWeightedBackendMovesFewOthers) {
  const auto backends = make_backends(100, [](std::size_t i) { return i % 10 * 100 + 100; });
  const auto before = table_of(backends, 65537);
  const auto counts = count_slots(before, 100);
  for (std::size_t victim = 0; victim < 20; ++victim) {
    auto rest = backends;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(victim));
    const double own = 100.0 * counts[victim] / 65537;
    EXPECT_LE(moved_percent(before, table_of(rest, 65537)), own + 1.0) << "victim " << victim;
  }
}

/// What the paper gives and what we give to equal backends are the same numbers of slots.
TEST(Maglev, EqualBackendsGetAsManySlotsAsInThePaper) {
  const auto backends = make_backends(100, equal_weight);
  auto ours = count_slots(table_of(backends, 65537), 100);
  auto papers = count_slots(maglev_of_the_paper(backends, 65537), 100);
  std::sort(ours.begin(), ours.end());
  std::sort(papers.begin(), papers.end());
  EXPECT_EQ(ours, papers);
}

TEST(Maglev, IdsAreWrittenAndDecideNothing) {
  auto backends = make_backends(10, equal_weight);
  const auto table = table_of(backends, 251);
  for (MaglevBackend& backend : backends) backend.id = static_cast<std::uint16_t>(backend.id + 500);
  const auto renumbered = table_of(backends, 251);
  for (std::size_t i = 0; i < table.size(); ++i) EXPECT_EQ(renumbered[i], table[i] + 500);
}

TEST(Maglev, NoBackendOrNoWeightGivesAnEmptyTable) {
  EXPECT_TRUE(table_of({}, 65537).empty());
  EXPECT_TRUE(table_of(make_backends(5, [](std::size_t) { return 0u; }), 65537).empty());
}

std::string error_of(const std::vector<MaglevBackend>& backends, std::uint32_t size) {
  const auto table = maglev_table(backends, size);
  return table ? "no error" : table.error().message;
}

TEST(Maglev, AWeightThatTheTableCannotExpressIsRefused) {
  auto backends = make_backends(2, [](std::size_t i) { return i == 0 ? 1u : 250u; });
  EXPECT_EQ(table_of(backends, 251).size(), 251u);  // exactly one slot
  backends[1].weight = 251;
  EXPECT_THAT(error_of(backends, 251), HasSubstr("weight 1 of 252 is worth less than one of 251"));
  EXPECT_THAT(error_of(make_backends(252, equal_weight), 251), HasSubstr("larger table_size"));
}

TEST(Maglev, WrongInputIsRefused) {
  const auto backends = make_backends(3, equal_weight);
  EXPECT_THAT(error_of(backends, 65536), HasSubstr("not a prime"));
  EXPECT_THAT(error_of(backends, 16'777'259), HasSubstr("above the limit"));
  auto twice = backends;
  twice.push_back(twice.front());
  EXPECT_THAT(error_of(twice, 65537), HasSubstr("same address and port"));
  auto heavy = backends;
  heavy[0].weight = kMaxMaglevWeight + 1;
  EXPECT_THAT(error_of(heavy, 65537), HasSubstr("above the limit"));
}

TEST(Maglev, KeysTellAddressesPortsAndFamiliesApart) {
  std::set<std::uint64_t> keys;
  const IpAddress addresses[] = {IpAddress::v4({10, 0, 0, 1}), IpAddress::v4({10, 0, 0, 2}),
                                 IpAddress::v6({10, 0, 0, 1}),
                                 IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1})};
  for (const IpAddress& address : addresses) {
    for (const std::uint16_t port : {0, 80, 8080}) keys.insert(maglev_key(address, port));
  }
  EXPECT_EQ(keys.size(), 12u);
}

std::uint64_t fnv1a(const std::vector<std::uint16_t>& table) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint16_t id : table) {
    hash = (hash ^ (id & 0xff)) * 0x100000001b3u;
    hash = (hash ^ (id >> 8)) * 0x100000001b3u;
  }
  return hash;
}

/// A change here moves flows between backends when directors of two versions share them, and on
/// every upgrade: the release notes must say so.
TEST(Maglev, TablesAreTheSameAsInEarlierVersions) {
  EXPECT_EQ(fnv1a(table_of(make_backends(100, equal_weight), 65537)), 5550052073195799746u);
  EXPECT_EQ(fnv1a(table_of(make_backends(100, [](std::size_t i) { return 1 + i % 37; }), 65537)),
            14211857308487173876u);
}

TEST(Prime, TellsPrimesFromOthers) {
  std::vector<std::uint32_t> primes;
  for (std::uint32_t i = 0; i < 60; ++i) {
    if (is_prime(i)) primes.push_back(i);
  }
  EXPECT_THAT(primes, ::testing::ElementsAre(2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
                                             53, 59));
  EXPECT_TRUE(is_prime(65537));
  EXPECT_TRUE(is_prime(655373));
  EXPECT_TRUE(is_prime(4294967291u));
  EXPECT_FALSE(is_prime(65535));
  EXPECT_FALSE(is_prime(4294836225u));  // 65535 squared
  EXPECT_FALSE(is_prime(4294967295u));
}

}  // namespace
}  // namespace guideway::compile
