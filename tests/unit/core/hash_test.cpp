// SPDX-License-Identifier: Apache-2.0
#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/rounds.h"

namespace guideway::test {
namespace {

/// What enters the hash, as one row of words: source, destination, ports.
struct Input {
  std::uint8_t family;
  std::vector<std::uint32_t> words;  // 3 for IPv4, 9 for IPv6
};

constexpr gw_service kWholeTuple = {
    .ports_mask = 0xffffffff, .destination_mask = 0xffffffff, .salt = 77};

gw_work work_of(const Input& input) {
  gw_work w{};
  w.family = input.family;
  const std::size_t address_words = input.family == GW_FAMILY_4 ? 1 : 4;
  for (std::size_t i = 0; i < address_words; ++i) {
    w.source[i] = input.words[i];
    w.destination[i] = input.words[address_words + i];
  }
  w.ports = input.words.back();
  return w;
}

using Hasher = std::function<std::uint64_t(const gw_hash_key&, const Input&)>;

std::uint64_t our_hash(const gw_hash_key& key, const Input& input) {
  const gw_work w = work_of(input);
  return gw_flow_hash(&key, &w, &kWholeTuple);
}

/// What must not be used: keyed at the start only, two words at a time.
std::uint64_t chained_hash(const gw_hash_key& key, const Input& input) {
  std::uint64_t h = key.mix[0];
  for (std::size_t i = 0; i < input.words.size(); i += 2) {
    const std::uint64_t low = i + 1 < input.words.size() ? input.words[i + 1] : 0;
    h = (h ^ (std::uint64_t{input.words[i]} << 32 | low)) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return h;
}

/// `base` with chosen differences: every bit; the top bit of every two words; the top bit of every
/// word with every bit of any other; and a top bit that a following xor-shift would carry to
/// bit 31.
std::vector<Input> chosen_variants(const Input& base) {
  std::vector<Input> variants{base};
  const std::size_t words = base.words.size();
  const auto add = [&](std::size_t i, unsigned bit_i, std::size_t j, unsigned bit_j) {
    Input variant = base;
    variant.words[i] ^= 1u << bit_i;
    if (i != j) variant.words[j] ^= 1u << bit_j;
    variants.push_back(variant);
  };
  for (std::size_t i = 0; i < words; ++i) {
    for (unsigned bit = 0; bit < 32; ++bit) add(i, bit, i, bit);
    for (std::size_t j = i + 1; j < words; ++j) add(i, 31, j, 31);
    for (std::size_t j = 0; j < words; ++j) {
      for (unsigned bit = 0; bit < 31 && j != i; ++bit) add(i, 31, j, bit);
    }
  }
  // 2^63 in one 64-bit word, 2^63 and 2^31 in the next: what cancels in a chain.
  for (std::size_t i = 0; i + 3 < words; i += 2) {
    Input variant = base;
    variant.words[i] ^= 0x80000000u;
    variant.words[i + 2] ^= 0x80000000u;
    variant.words[i + 3] ^= 0x80000000u;
    variants.push_back(variant);
  }
  return variants;
}

Input random_input(std::uint8_t family, std::mt19937& random) {
  Input input{family, std::vector<std::uint32_t>(family == GW_FAMILY_4 ? 3 : 9)};
  std::generate(input.words.begin(), input.words.end(), std::ref(random));
  return input;
}

gw_hash_key random_key(std::mt19937& random) {
  std::array<std::uint8_t, 16> seed{};
  for (std::uint8_t& byte : seed) byte = static_cast<std::uint8_t>(random());
  return gw_hash_expand(seed.data());
}

/// How many hashes were seen before, over `seeds` seeds.
std::size_t count_collisions(const Hasher& hasher, std::uint8_t family, int seeds) {
  std::mt19937 random(20240229);
  std::size_t collisions = 0;
  for (int i = 0; i < seeds; ++i) {
    const gw_hash_key key = random_key(random);
    std::vector<std::uint64_t> hashes;
    for (const Input& variant : chosen_variants(random_input(family, random))) {
      hashes.push_back(hasher(key, variant));
    }
    std::sort(hashes.begin(), hashes.end());
    const auto unique_end = std::unique(hashes.begin(), hashes.end());
    collisions += static_cast<std::size_t>(hashes.end() - unique_end);
  }
  return collisions;
}

TEST(Hash, ChosenDifferencesDoNotCollideIPv4) {
  EXPECT_EQ(count_collisions(our_hash, GW_FAMILY_4, rounds(300, 2000)), 0u);
}

TEST(Hash, ChosenDifferencesDoNotCollideIPv6) {
  EXPECT_EQ(count_collisions(our_hash, GW_FAMILY_6, rounds(50, 300)), 0u);
}

/// The same inputs find the weakness that the hash was chosen to avoid, whatever the seed.
TEST(Hash, TheSameDifferencesBreakAChain) {
  constexpr int kSeeds = 20;
  EXPECT_GE(count_collisions(chained_hash, GW_FAMILY_6, kSeeds), std::size_t{kSeeds});
}

/// Chi-square of `bins` equally likely bins, as standard deviations above its mean.
double excess(const std::vector<std::uint32_t>& bins) {
  double total = 0;
  for (const std::uint32_t count : bins) total += count;
  const double expected = total / static_cast<double>(bins.size());
  double chi_square = 0;
  for (const std::uint32_t count : bins) {
    chi_square += (count - expected) * (count - expected) / expected;
  }
  const double freedom = static_cast<double>(bins.size()) - 1;
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

/// Clients as they come: addresses and ports that count up.
std::vector<std::uint64_t> hashes_of_neighbours(std::uint8_t family, std::uint32_t seed) {
  std::mt19937 random(seed);
  const gw_hash_key key = random_key(random);
  Input input = random_input(family, random);
  std::vector<std::uint64_t> hashes;
  for (std::uint32_t i = 0; i < 1u << 16; ++i) {
    input.words[0] = gw_swap32(0x0a000000u + (i >> 6));
    input.words.back() = (i & 63) + 0x50000000u;
    hashes.push_back(our_hash(key, input));
  }
  return hashes;
}

TEST(Hash, BucketTagAndSlotAreUniform) {
  for (const std::uint8_t family : {GW_FAMILY_4, GW_FAMILY_6}) {
    for (std::uint32_t seed = 1; seed <= 8; ++seed) {
      std::vector<std::uint32_t> first(256), second(256), tag_high(256), tag_low(256), slot(251);
      for (const std::uint64_t hash : hashes_of_neighbours(family, seed)) {
        first[gw_hash_first_bucket(hash, 256)]++;
        second[gw_hash_second_bucket(hash, 256)]++;
        tag_high[gw_hash_tag(hash) >> 24]++;
        tag_low[gw_hash_tag(hash) & 0xff]++;
        slot[gw_hash_slot(hash, 251)]++;
      }
      for (const auto* bins : {&first, &second, &tag_high, &tag_low, &slot}) {
        EXPECT_LT(excess(*bins), 5.0) << "family " << int{family} << " seed " << seed;
      }
    }
  }
}

TEST(Hash, BucketTagAndSlotAreIndependent) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    std::vector<std::uint32_t> bucket_slot(256), bucket_tag(256), first_second(256);
    for (const std::uint64_t hash : hashes_of_neighbours(GW_FAMILY_4, seed)) {
      const std::uint32_t bucket = gw_hash_first_bucket(hash, 16);
      bucket_slot[bucket * 16 + gw_hash_slot(hash, 16)]++;
      bucket_tag[bucket * 16 + (gw_hash_tag(hash) >> 28)]++;
      first_second[bucket * 16 + gw_scale(static_cast<std::uint32_t>(hash) * 0x9e3779b1u, 16)]++;
    }
    EXPECT_LT(excess(bucket_slot), 5.0);
    EXPECT_LT(excess(bucket_tag), 5.0);
    EXPECT_LT(excess(first_second), 5.0);
  }
}

TEST(Hash, SecondBucketIsNeverTheFirst) {
  std::mt19937_64 random(7);
  for (const std::uint32_t count : {2u, 3u, 17u, 1024u}) {
    for (int i = 0; i < 10000; ++i) {
      const std::uint64_t hash = random();
      const std::uint32_t first = gw_hash_first_bucket(hash, count);
      const std::uint32_t second = gw_hash_second_bucket(hash, count);
      ASSERT_LT(first, count);
      ASSERT_LT(second, count);
      ASSERT_NE(first, second);
    }
  }
  EXPECT_EQ(gw_hash_second_bucket(random(), 1), 0u);
}

TEST(Hash, KeysAreOddAndDependOnEverySeedByte) {
  const std::array<std::uint8_t, 16> seed{};
  const gw_hash_key base = gw_hash_expand(seed.data());
  for (const std::uint32_t word : base.nh) EXPECT_EQ(word & 1, 1u);
  for (const std::uint64_t word : base.mix) EXPECT_EQ(word & 1, 1u);
  for (std::size_t i = 0; i < seed.size(); ++i) {
    std::array<std::uint8_t, 16> other = seed;
    other[i] = 1;
    const gw_hash_key key = gw_hash_expand(other.data());
    EXPECT_NE(key.mix[0], base.mix[0]);
    EXPECT_NE(key.nh[11], base.nh[11]);
  }
}

/// The hash of a packet as the pipeline computes it.
std::uint64_t hash_of(CoreWorld& world, const FrameSpec& spec) {
  Frame frame(make_frame(spec));
  gw_work w;
  EXPECT_EQ(gw_classify(&world.port(), frame.packet(), &w), GW_GO_ON);
  return w.hash;
}

struct KeyCase {
  const char* hash;
  bool source_port;
  bool destination;
};

class HashKeyTest : public testing::TestWithParam<KeyCase> {};

TEST_P(HashKeyTest, OnlyTheFieldsOfTheKeyEnter) {
  CoreWorld world;
  model::Model model = make_model({.hash = GetParam().hash});
  for (model::Service& service : model.services) service.port = 0;
  std::erase_if(model.services, [](const auto& service) { return service.pool == "dns"; });
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  for (const std::uint8_t family : {GW_FAMILY_4, GW_FAMILY_6}) {
    const FrameSpec base = family == GW_FAMILY_4 ? FrameSpec{} : ipv6_spec();
    const std::uint64_t hash = hash_of(world, base);
    FrameSpec other = base;
    other.source_port++;
    EXPECT_EQ(hash_of(world, other) != hash, GetParam().source_port);
    other = base;
    other.destination_port++;
    EXPECT_EQ(hash_of(world, other) != hash, std::string_view(GetParam().hash) == "five_tuple");
    for (std::size_t i = 0; i < (family == GW_FAMILY_4 ? 4u : 16u); ++i) {
      other = base;
      other.source[i] ^= 1;
      EXPECT_NE(hash_of(world, other), hash) << "source byte " << i;
    }
    other = base;
    other.protocol = GW_PROTO_UDP;
    EXPECT_NE(hash_of(world, other), hash) << "another service";
  }
}

TEST_P(HashKeyTest, TheDestinationAddressEntersWhenTheKeySaysSo) {
  CoreWorld world;
  const model::Model model = make_model({.hash = GetParam().hash});
  ASSERT_TRUE(world.publish(model, all_resolved(model)));
  for (const gw_service& service : world.state().services) {
    if (!(service.flags & GW_SERVICE_USED) || service.protocol == GW_PROTO_NONE) continue;
    EXPECT_EQ(service.destination_mask, GetParam().destination ? 0xffffffffu : 0u);
    EXPECT_EQ((service.flags & GW_SERVICE_PER_CONNECTION) != 0,
              std::string_view(GetParam().hash) == "five_tuple");
  }
}

INSTANTIATE_TEST_SUITE_P(All, HashKeyTest,
                         testing::Values(KeyCase{"five_tuple", true, true},
                                         KeyCase{"source", false, false},
                                         KeyCase{"source_port", true, false},
                                         KeyCase{"source_destination", false, true}),
                         [](const auto& tested) { return std::string(tested.param.hash); });

}  // namespace
}  // namespace guideway::test
