// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/kept_flows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "guideway/core/layout.h"
#include "tests/support/kept_flows_layout.h"

namespace guideway::datapath {
namespace {

using compile::BackendIds;
using test::copy_at;
using test::put;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint32_t kBackends = 8;
constexpr FlowShape kShape{3, 70};
constexpr model::HashSeed kSeed{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

using Memory = std::vector<std::byte>;

Memory formatted() {
  // Not all zeros before: an unused map or file is, but nobody promises it.
  Memory memory(kept_flows_bytes(kBackends) + 100, std::byte{0xa5});
  format_kept_flows(memory, "lb1", kShape, kSeed, kBackends);
  return memory;
}

Result<KeptFlows> read(const Memory& memory, std::uint32_t capacity = kBackends) {
  return read_kept_flows(memory, "lb1", capacity);
}

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

BackendIds::Entry entry(const std::string& pool, const char* address, std::uint16_t port = 0) {
  BackendIds::Entry result;
  result.key = {pool, ip(address), port};
  result.name = "of-" + pool;
  result.sweep_timeout_s = 350;
  return result;
}

/// One of each sort.
BackendIds all_sorts() {
  BackendIds ids(kBackends);
  const std::string longest(63, 'x');
  BackendIds::Entry plain = entry(longest, "10.0.0.1");
  plain.name = longest;
  plain.sweep_timeout_s = GW_MAX_IDLE_TIMEOUT_S;
  EXPECT_TRUE(ids.restore(0, plain));
  BackendIds::Entry removed = entry("web", "10.0.0.1", 8080);
  removed.removed = true;
  removed.sweep_timeout_s = 0;
  EXPECT_TRUE(ids.restore(1, removed));
  BackendIds::Entry ipip = entry("A.b_c-9", "2001:db8::1");
  ipip.forwarding = model::Forwarding::kIpip;
  ipip.source = ip("2001:db8::2");
  EXPECT_TRUE(ids.restore(4, ipip));
  BackendIds::Entry vxlan = entry("vx", "10.0.0.2", 65535);
  vxlan.forwarding = model::Forwarding::kVxlan;
  vxlan.vxlan = model::Vxlan{0xffffff, 4789, Mac{{2, 3, 4, 5, 6, 7}}};
  vxlan.source = ip("10.0.0.3");
  vxlan.removed = true;
  EXPECT_TRUE(ids.restore(kBackends - 1, vxlan));
  return ids;
}

/// One of each kind of tunnel whose settings may be left out.
BackendIds gre_and_gue() {
  BackendIds ids(kBackends);
  BackendIds::Entry gre = entry("gre", "10.0.0.1");
  gre.forwarding = model::Forwarding::kGre;
  EXPECT_TRUE(ids.restore(0, gre));
  gre.key.address = ip("10.0.0.2");
  gre.gre = model::Gre{0xffffffff};
  EXPECT_TRUE(ids.restore(1, gre));
  BackendIds::Entry gue = entry("gue", "10.0.0.1");
  gue.forwarding = model::Forwarding::kGue;
  EXPECT_TRUE(ids.restore(2, gue));
  gue.key.address = ip("10.0.0.2");
  gue.gue = model::Gue{65535};
  EXPECT_TRUE(ids.restore(3, gue));
  return ids;
}

BackendIds one(const char* address) {
  BackendIds ids(kBackends);
  EXPECT_TRUE(ids.restore(2, entry("web", address)));
  return ids;
}

void expect_same(const BackendIds& a, const BackendIds& b) {
  ASSERT_EQ(a.entries().size(), b.entries().size());
  for (const auto& [id, x] : a.entries()) {
    ASSERT_TRUE(b.entries().contains(id)) << id;
    const BackendIds::Entry& y = b.at(id);
    EXPECT_EQ(x.key, y.key) << id;
    EXPECT_EQ(x.name, y.name) << id;
    EXPECT_EQ(x.removed, y.removed) << id;
    EXPECT_EQ(x.forwarding, y.forwarding) << id;
    EXPECT_EQ(x.vxlan, y.vxlan) << id;
    EXPECT_EQ(x.gre, y.gre) << id;
    EXPECT_EQ(x.gue, y.gue) << id;
    EXPECT_EQ(x.source, y.source) << id;
    EXPECT_EQ(x.sweep_timeout_s, y.sweep_timeout_s) << id;
  }
}

void expect_refused(const Memory& memory, const char* why, std::uint32_t capacity = kBackends) {
  const auto kept = read(memory, capacity);
  ASSERT_FALSE(kept) << why;
  EXPECT_THAT(kept.error().message, HasSubstr(why));
}

TEST(KeptFlows, AnEmptyTableHasItsShapeAndSeedButNoIds) {
  const auto kept = read(formatted());
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->director, "lb1");
  EXPECT_EQ(kept->shape, kShape);
  EXPECT_EQ(kept->hash_seed, kSeed);
  EXPECT_EQ(kept->generation, 0u);
  EXPECT_THAT(kept->ids.entries(), IsEmpty());
  EXPECT_EQ(kept->ids.capacity(), kBackends);
}

TEST(KeptFlows, IdentitiesOfEverySortComeBackAsTheyWere) {
  Memory memory = formatted();
  write_identities(memory, 7, all_sorts());
  const auto kept = read(memory);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->generation, 7u);
  EXPECT_EQ(kept->shape, kShape);
  expect_same(kept->ids, all_sorts());
}

TEST(KeptFlows, GreAndGueComeBackAsTheyWere) {
  Memory memory = formatted();
  write_identities(memory, 7, gre_and_gue());
  const auto kept = read(memory);
  ASSERT_TRUE(kept) << kept.error().message;
  expect_same(kept->ids, gre_and_gue());
}

TEST(KeptFlows, TheLayoutIsTheOneOfThisVersion) {
  EXPECT_EQ(kKeptFlowsVersion, 1u);
  EXPECT_EQ(kept_flows_bytes(0), test::kFixedBytes + 2 * test::kHeadBytes);
  EXPECT_EQ(kept_flows_bytes(5), test::copy_at(5, 2));
  Memory memory = formatted();
  write_identities(memory, 7, all_sorts());
  write_identities(memory, 8, one("10.0.0.1"));
  Memory sealed = memory;
  test::seal(sealed);
  EXPECT_TRUE(sealed == memory) << "other checksums than those of this version";
  const auto record =
      std::span(memory).subspan(copy_at(kBackends, 0) + test::kHeadBytes + 3 * test::kRecordBytes);
  EXPECT_EQ(test::get<std::uint16_t>(record, test::kIdAt), kBackends - 1);
  EXPECT_EQ(test::get<std::uint32_t>(record, test::kNetworkAt), 0xffffffu);
  EXPECT_EQ(test::get<std::uint16_t>(record, test::kTunnelPortAt), 4789u);
  EXPECT_EQ(test::get<char>(record, test::kPoolAt), 'v');
}

TEST(KeptFlows, TheLatestIdentitiesHold) {
  Memory memory = formatted();
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    const BackendIds ids = one(("10.0.0." + std::to_string(generation)).c_str());
    write_identities(memory, generation, ids);
    const auto kept = read(memory);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(kept->generation, generation);
    expect_same(kept->ids, ids);
  }
}

TEST(KeptFlows, NoIdentitiesAreIdentitiesToo) {
  Memory memory = formatted();
  write_identities(memory, 1, all_sorts());
  write_identities(memory, 2, BackendIds(kBackends));
  const auto kept = read(memory);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->generation, 2u);
  EXPECT_THAT(kept->ids.entries(), IsEmpty());
}

/// write_identities(3) goes into copy 0: clears its head, writes the records, then the head.
/// Whatever of these bytes the daemon did not come to write, generation 2 holds, or 3 once all are
/// there.
TEST(KeptFlows, ADaemonThatDiesWhileItWritesLeavesTheOlderCopy) {
  Memory before = formatted();
  write_identities(before, 1, one("10.0.0.1"));
  write_identities(before, 2, one("10.0.0.2"));
  Memory after = before;
  write_identities(after, 3, all_sorts());

  const std::size_t head = copy_at(kBackends, 0);
  const std::size_t records = head + test::kHeadBytes;
  const std::size_t end = records + 4 * test::kRecordBytes;
  ASSERT_TRUE(std::equal(before.begin(), before.begin() + static_cast<long>(head), after.begin()));
  ASSERT_TRUE(std::equal(before.begin() + static_cast<long>(end), before.end(),
                         after.begin() + static_cast<long>(end)));
  std::vector<std::pair<std::size_t, std::byte>> stores;
  for (std::size_t at = head; at < records; ++at) stores.emplace_back(at, std::byte{0});
  for (std::size_t at = records; at < end; ++at) stores.emplace_back(at, after[at]);
  for (std::size_t at = head; at < records; ++at) stores.emplace_back(at, after[at]);

  Memory memory = before;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    const auto kept = read(memory);
    ASSERT_TRUE(kept) << i << ": " << kept.error().message;
    if (memory == after) break;
    ASSERT_EQ(kept->generation, 2u) << i;
    memory[stores[i].first] = stores[i].second;
  }
  const auto kept = read(memory);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->generation, 3u);
  expect_same(kept->ids, all_sorts());
}

TEST(KeptFlows, AfterADeathInTheMiddleTheNextWriteStartsOverInThatCopy) {
  Memory memory = formatted();
  write_identities(memory, 1, one("10.0.0.1"));
  write_identities(memory, 2, one("10.0.0.2"));
  put(std::span(memory), copy_at(kBackends, 0) + test::kGenerationAt, std::uint64_t{0});
  write_identities(memory, 3, one("10.0.0.3"));
  put(std::span(memory), copy_at(kBackends, 0) + test::kGenerationAt, std::uint64_t{9});
  const auto kept = read(memory);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->generation, 2u);
}

TEST(KeptFlows, AByteThatHasChangedIsNeverBelieved) {
  Memory memory = formatted();
  write_identities(memory, 1, one("10.0.0.1"));
  write_identities(memory, 2, all_sorts());
  for (std::size_t at = 0; at < memory.size(); ++at) {
    Memory damaged = memory;
    damaged[at] ^= std::byte{0x10};
    const auto kept = read(damaged);
    if (!kept) {
      EXPECT_LT(at, test::kFixedBytes) << kept.error().message;
      continue;
    }
    EXPECT_GE(at, test::kFixedBytes);
    ASSERT_TRUE(kept->generation == 1 || kept->generation == 2) << at;
    expect_same(kept->ids, kept->generation == 1 ? one("10.0.0.1") : all_sorts());
  }
}

TEST(KeptFlows, WhatIsNotOursOrOfAnotherVersionIsRefused) {
  const struct {
    std::size_t at;
    const char* why;
  } cases[] = {
      {0, "not a Guideway flow table"},
      {test::kVersionAt, "it has version 0, this program reads 1"},
      {test::kShardsAt, "its checksum is wrong"},
      {test::kDirectorAt, "its checksum is wrong"},
      {test::kFixedChecksumAt, "its checksum is wrong"},
  };
  for (const auto& c : cases) {
    Memory memory = formatted();
    memory[c.at] ^= std::byte{1};
    expect_refused(memory, c.why);
  }
  expect_refused(Memory(4096), "not a Guideway flow table");
  const Memory good = formatted();
  const auto other = read_kept_flows(good, "lb2", kBackends);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("belongs to another director"));
}

TEST(KeptFlows, AnyCutIsRefused) {
  Memory memory = formatted();
  write_identities(memory, 1, all_sorts());
  for (std::size_t size = 0; size < kept_flows_bytes(kBackends); ++size) {
    const Memory cut(memory.begin(), memory.begin() + static_cast<long>(size));
    expect_refused(cut, size < test::kFixedBytes ? "too short" : "cut short");
  }
}

TEST(KeptFlows, SizesOutOfRangeAreRefused) {
  const FlowShape shapes[] = {
      {0, 8}, {1, 0}, {GW_MAX_SHARDS + 1, 1}, {1, 0xffffffff}, {GW_MAX_SHARDS, 0x04000001}};
  for (const FlowShape shape : shapes) {
    Memory memory(kept_flows_bytes(kBackends));
    format_kept_flows(memory, "lb1", shape, kSeed, kBackends);
    expect_refused(memory, "sizes are out of range");
  }
  for (const std::uint32_t backends : {0x10000U, 0xffffffffU}) {
    Memory memory = formatted();
    put(std::span(memory), test::kBackendsAt, backends);
    test::seal(memory);
    expect_refused(memory, "sizes are out of range");
  }
}

TEST(KeptFlows, TwoDamagedCopiesAreNotAnEmptyTable) {
  Memory memory = formatted();
  write_identities(memory, 1, one("10.0.0.1"));
  write_identities(memory, 2, one("10.0.0.2"));
  for (unsigned copy = 0; copy < 2; ++copy)
    memory[copy_at(kBackends, copy) + test::kHeadBytes] ^= std::byte{1};
  expect_refused(memory, "both copies of its backend ids are damaged");
}

TEST(KeptFlows, AnIdAboveTheCapacityIsRefused) {
  Memory memory = formatted();
  write_identities(memory, 1, all_sorts());
  expect_refused(memory, "above capacity.backends", kBackends - 1);
  EXPECT_TRUE(read(memory, kBackends));
  EXPECT_TRUE(read(memory, GW_NO_BACKEND));
}

/// Checksums say nothing about who wrote them.
TEST(KeptFlows, ForgedRecordsAreRefused) {
  using Record = std::span<std::byte>;
  const struct {
    const char* why;
    std::function<void(Record)> forge;
  } cases[] = {
      {"stands there twice", [](Record r) { put(r, test::kIdAt, std::uint16_t{0}); }},
      {"above capacity", [](Record r) { put(r, test::kIdAt, std::uint16_t{kBackends}); }},
      {"is damaged", [](Record r) { put(r, test::kIdAt, std::uint16_t{0xffff}); }},
      {"is damaged", [](Record r) { r[test::kPoolAt] = std::byte{0}; }},
      {"is damaged", [](Record r) { r[test::kNameAt + 1] = std::byte{'/'}; }},
      {"is damaged", [](Record r) { r[test::kNameAt] = std::byte{'\n'}; }},
      {"is damaged",
       [](Record r) { std::fill_n(r.begin() + test::kNameAt, test::kNameBytes, std::byte{'x'}); }},
      {"is damaged", [](Record r) { r[test::kFamilyAt] = std::byte{5}; }},
      {"is damaged", [](Record r) { r[test::kSourceFamilyAt] = std::byte{0}; }},
      // A header of one family from an address of the other.
      {"is damaged", [](Record r) { r[test::kSourceFamilyAt] = std::byte{6}; }},
      {"is damaged", [](Record r) { r[test::kForwardingAt] = std::byte{3}; }},
      {"is damaged", [](Record r) { r[test::kForwardingAt] = std::byte{0}; }},
      {"is damaged", [](Record r) { r[test::kForwardingAt] = std::byte{0xff}; }},
      // A GRE key beside VXLAN.
      {"is damaged", [](Record r) { r[test::kFlagsAt] |= std::byte{8}; }},
      {"is damaged", [](Record r) { r[test::kFlagsAt] = std::byte{0}; }},
      {"is damaged",
       [](Record r) {
         put(r, test::kTimeoutAt, static_cast<std::uint16_t>(GW_MAX_IDLE_TIMEOUT_S + 1));
       }},
      {"is damaged", [](Record r) { put(r, test::kNetworkAt, std::uint32_t{1} << 24); }},
      {"is damaged", [](Record r) { put(r, test::kTunnelPortAt, std::uint16_t{0}); }},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(i);
    Memory memory = formatted();
    write_identities(memory, 1, all_sorts());
    // The fourth and last: with VXLAN and source.
    cases[i].forge(std::span(memory).subspan(
        copy_at(kBackends, 0) + test::kHeadBytes + 3 * test::kRecordBytes, test::kRecordBytes));
    test::seal(memory);
    expect_refused(memory, cases[i].why);
  }
}

TEST(KeptFlows, OneBackendWithTwoIdsIsRefused) {
  Memory memory = formatted();
  write_identities(memory, 1, all_sorts());
  const auto first = memory.begin() + static_cast<long>(copy_at(kBackends, 0) + test::kHeadBytes);
  std::copy_n(first, test::kRecordBytes, first + test::kRecordBytes);
  put(std::span(memory),
      copy_at(kBackends, 0) + test::kHeadBytes + test::kRecordBytes + test::kIdAt,
      std::uint16_t{1});
  test::seal(memory);
  expect_refused(memory, "for a backend that has another id");
}

TEST(KeptFlows, AGenerationThatLeavesNoRoomForAnotherIsRefused) {
  Memory memory = formatted();
  write_identities(memory, ~std::uint64_t{0}, one("10.0.0.1"));
  expect_refused(memory, "generation is out of range");
}

TEST(FlowShape, HasRoomForTheFlowsAtThreeQuarters) {
  for (const std::uint32_t shards : {1U, 3U, GW_MAX_SHARDS}) {
    for (const std::uint64_t flows : {1ULL, 6ULL, 7ULL, 1'000'000ULL, 1'073'741'824ULL}) {
      const FlowShape shape = flow_shape_for(flows, shards);
      EXPECT_EQ(shape.shards, shards);
      EXPECT_GE(shape.buckets_per_shard, 1u);
      const std::uint64_t words = std::uint64_t{shards} * shape.buckets_per_shard * GW_FLOW_WAYS;
      EXPECT_GE(words * 3 / 4 + 1, flows);
      // Rounded up by less than a bucket a shard.
      EXPECT_LT(words, flows * 4 / 3 + std::uint64_t{shards} * GW_FLOW_WAYS + 1);
    }
  }
}

}  // namespace
}  // namespace guideway::datapath
