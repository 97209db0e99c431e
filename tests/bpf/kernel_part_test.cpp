// SPDX-License-Identifier: Apache-2.0
// A director's part in the kernel, start to end, without packets: what is left behind, adopted,
// refused and removed. On a real kernel, in namespaces of its own.
#include "guideway/datapath/xdp/kernel_part.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "guideway/bpf/loaded.h"
#include "guideway/datapath/xdp/orphan.h"
#include "tests/bpf/own_namespaces.h"
#include "tests/support/eventually.h"
#include "tests/support/generations.h"
#include "tests/support/plain_config.h"

namespace guideway::datapath::xdp {
namespace {

using KernelPartPtr = std::unique_ptr<KernelPart>;
using test::add_veth;
using test::foreign_program;
using test::shell;
using testing::HasSubstr;

const std::string kPins = test::kOwnFolder + "/bpf";
constexpr std::uint32_t kBackends = 64;
constexpr std::uint64_t kWord = 0x1122334400020000u | GW_FLOW_WAYS;

std::uint32_t attached(const std::string& device) {
  const auto facts = look_at("wan", device);
  std::uint32_t id = 0;
  if (!facts || bpf_xdp_query_id(facts->index, 0, &id) != 0) return 0;
  return id;
}

bool exists(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0;
}

KernelOptions options_for(const std::string& director, const std::string& device) {
  KernelOptions options;
  options.director = director;
  options.pin_dir = kPins;
  options.interfaces = {{.name = "wan", .device = device}};
  options.services = 64;
  options.pools = 64;
  options.slots = 1 << 16;
  options.backends = kBackends;
  options.flows = 10'000;
  options.nat_addresses = 2;
  options.hash_seed = {1, 2, 3};
  return options;
}

class KernelPartTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(add_veth("gwtest0", "gwpeer0"));
    ASSERT_TRUE(add_veth("gwtest1", "gwpeer1"));
  }
  void TearDown() override {
    shell("ip link del gwpeer0; ip link del gwpeer1");  // the ends that tests do not rename
    for (const char* director : {"one", "two"})
      if (auto pins = PinDir::find(kPins, director)) pins->remove_all();
  }

  compile::ForwardingStatePtr next_state() {
    const model::Model model = test::make_model();
    auto state = generations_.next(model, test::all_resolved(model));
    EXPECT_TRUE(state);
    return state ? *state : nullptr;
  }
  /// Opens and publishes a generation.
  KernelPartPtr start(const KernelOptions& options) {
    auto part = KernelPart::open(options);
    EXPECT_TRUE(part) << part.error().message;
    if (!part) return nullptr;
    publish(**part);
    return std::move(*part);
  }
  void publish(KernelPart& part) {
    const auto state = next_state();
    const auto prepared = part.prepare(state);
    EXPECT_TRUE(prepared) << prepared.error().message;
    part.publish(state);
    part.switch_over();
    part.reclaim();
  }
  /// A daemon that published, knew a flow, and went.
  void leave_behind() {
    const KernelPartPtr part = start(options_for("one", "gwtest0"));
    ASSERT_TRUE(part);
    part->flow_table().buckets[5].words[3] = kWord;
    part->stop(End::kKeep);
  }

  test::Generations generations_{kBackends};
};

TEST_F(KernelPartTest, StoppingForGoodLeavesNothing) {
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part);
  EXPECT_NE(attached("gwtest0"), 0U);
  EXPECT_TRUE(exists(kPins + "/one"));
  part->stop(End::kDetach);
  EXPECT_EQ(attached("gwtest0"), 0U);
  EXPECT_FALSE(exists(kPins + "/one"));
}

TEST_F(KernelPartTest, AFailedStartLeavesNothing) {
  {
    auto part = KernelPart::open(options_for("one", "gwtest0"));
    ASSERT_TRUE(part) << part.error().message;
    ASSERT_TRUE((*part)->attach());
    EXPECT_NE(attached("gwtest0"), 0U);
  }
  EXPECT_EQ(attached("gwtest0"), 0U);
  EXPECT_FALSE(exists(kPins + "/one"));
}

TEST_F(KernelPartTest, AFailedStartKeepsWhatAnEarlierDaemonLeft) {
  leave_behind();
  const std::uint32_t program = attached("gwtest0");
  KernelOptions options = options_for("one", "gwtest0");
  options.interfaces.push_back({.name = "lan", .device = "gwnone"});
  EXPECT_FALSE(KernelPart::open(options));
  EXPECT_EQ(attached("gwtest0"), program);

  options.interfaces.back().device = "gwtest1";
  {
    auto part = KernelPart::open(options);
    ASSERT_TRUE(part) << part.error().message;
    ASSERT_TRUE((*part)->attach());
    EXPECT_NE(attached("gwtest1"), 0U);
  }
  EXPECT_EQ(attached("gwtest0"), program);
  EXPECT_EQ(attached("gwtest1"), 0U) << "it would pass packets for VIPs to the kernel for ever";
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part && part->adopted());
  EXPECT_EQ(part->flow_table().buckets[5].words[3], kWord);
  part->stop(End::kDetach);
}

TEST_F(KernelPartTest, ACapacityThatIdsInUseDoNotFitIsRefusedAndCostsNothing) {
  leave_behind();
  const std::uint32_t program = attached("gwtest0");
  KernelOptions options = options_for("one", "gwtest0");
  options.backends = 4;
  const auto refused = KernelPart::open(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("capacity.backends = 4 is too small"));
  EXPECT_EQ(attached("gwtest0"), program);
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part && part->adopted());
  EXPECT_EQ(part->flow_table().buckets[5].words[3], kWord);
  part->stop(End::kDetach);
}

std::uint32_t sockets_of(std::uint32_t program_id) {
  const base::FileDescriptor program(bpf_prog_get_fd_by_id(program_id));
  auto maps = bpf::maps_of(program.get());
  return maps && maps->count("xsks_map") != 0 ? maps->at("xsks_map").info.id : 0;
}

/// Workers' sockets join the map of the program that is attached when they start.
TEST_F(KernelPartTest, ProgramsShareTheirSocketsEvenIfThePinIsLost) {
  leave_behind();
  const std::uint32_t sockets = sockets_of(attached("gwtest0"));
  ASSERT_NE(sockets, 0U);
  auto pins = PinDir::find(kPins, "one");
  ASSERT_TRUE(pins && pins->contains("xsks-gwtest0"));
  pins->remove("xsks-gwtest0");
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part);
  EXPECT_EQ(sockets_of(attached("gwtest0")), sockets);
  EXPECT_TRUE(pins->contains("xsks-gwtest0"));
  part->stop(End::kDetach);
}

/// udev may give two interfaces each other's names.
TEST_F(KernelPartTest, LinksAreKnownByTheirDeviceAndNotByItsName) {
  KernelOptions options = options_for("one", "gwtest0");
  options.interfaces.push_back({.name = "lan", .device = "gwtest1"});
  {
    const KernelPartPtr part = start(options);
    ASSERT_TRUE(part);
    part->stop(End::kKeep);
  }
  shell(
      "ip link set gwtest0 name gwswap && ip link set gwtest1 name gwtest0 && ip link set gwswap "
      "name gwtest1");
  auto part = KernelPart::open(options);
  ASSERT_TRUE(part) << part.error().message;
  const std::uint32_t first = attached("gwtest0");
  const std::uint32_t second = attached("gwtest1");
  EXPECT_NE(first, 0U);
  EXPECT_NE(second, 0U);
  publish(**part);
  EXPECT_NE(attached("gwtest0"), 0U);
  EXPECT_NE(attached("gwtest1"), 0U);
  EXPECT_NE(attached("gwtest0"), first);
  EXPECT_NE(attached("gwtest1"), second);
  (*part)->stop(End::kDetach);
  EXPECT_EQ(attached("gwtest0"), 0U);
  EXPECT_EQ(attached("gwtest1"), 0U);
}

TEST_F(KernelPartTest, ARenamedDeviceKeepsItsProgram) {
  leave_behind();
  const std::uint32_t earlier = attached("gwtest0");
  ASSERT_TRUE(shell("ip link set gwtest0 name gwwan0"));
  const KernelOptions renamed = options_for("one", "gwwan0");
  {
    const KernelPartPtr part = start(renamed);
    ASSERT_TRUE(part && part->adopted());
    EXPECT_NE(attached("gwwan0"), 0U);
    EXPECT_NE(attached("gwwan0"), earlier);
    EXPECT_FALSE(exists(kPins + "/one/link-gwtest0"));
    EXPECT_TRUE(exists(kPins + "/one/link-gwwan0"));
    // And ends without stop(), as a start that fails now.
  }
  EXPECT_NE(attached("gwwan0"), 0U);
  const KernelPartPtr next = start(renamed);
  ASSERT_TRUE(next && next->adopted());
  EXPECT_NE(attached("gwwan0"), 0U);
  next->stop(End::kDetach);
  EXPECT_EQ(attached("gwwan0"), 0U);
}

TEST_F(KernelPartTest, TwoDirectorsShareAHost) {
  const KernelPartPtr one = start(options_for("one", "gwtest0"));
  const KernelPartPtr two = start(options_for("two", "gwtest1"));
  ASSERT_TRUE(one && two);
  EXPECT_NE(attached("gwtest0"), attached("gwtest1"));
  one->flow_table().buckets[5].words[3] = kWord;
  EXPECT_EQ(two->flow_table().buckets[5].words[3], 0U);
  const std::uint32_t program_of_two = attached("gwtest1");
  one->stop(End::kDetach);
  EXPECT_EQ(attached("gwtest0"), 0U);
  EXPECT_EQ(attached("gwtest1"), program_of_two);
  EXPECT_FALSE(exists(kPins + "/one"));
  EXPECT_TRUE(exists(kPins + "/two"));
  two->stop(End::kDetach);
}

TEST_F(KernelPartTest, AnotherDirectorsDeviceIsRefused) {
  const KernelPartPtr one = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(one);
  const std::uint32_t program = attached("gwtest0");
  const auto two = KernelPart::open(options_for("two", "gwtest0"));
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().message, HasSubstr("another XDP program"));
  EXPECT_EQ(attached("gwtest0"), program);
  one->stop(End::kDetach);
}

TEST_F(KernelPartTest, AdoptionKeepsFlowsShapeSeedAndIds) {
  leave_behind();
  const std::uint32_t program = attached("gwtest0");
  EXPECT_NE(program, 0U);
  KernelOptions changed = options_for("one", "gwtest0");
  changed.flows = 40'000;
  changed.hash_seed = {9, 9, 9};
  auto opened = KernelPart::open(changed);
  ASSERT_TRUE(opened) << opened.error().message;
  KernelPart& part = **opened;
  ASSERT_TRUE(part.adopted());
  EXPECT_EQ(part.adopted()->shape, flow_shape_for(10'000, part.adopted()->shape.shards));
  EXPECT_EQ(part.adopted()->hash_seed, options_for("one", "gwtest0").hash_seed);
  EXPECT_EQ(part.adopted()->generation, 1U);
  ASSERT_EQ(part.adopted()->ids.entries().size(), 9U);
  const compile::ForwardingStatePtr known = next_state();
  for (const auto& [id, entry] : known->ids.entries())
    EXPECT_EQ(part.adopted()->ids.find(entry.key), id);
  EXPECT_EQ(part.flow_table().buckets[5].words[3], kWord);
  EXPECT_EQ(attached("gwtest0"), program) << "the old program goes on until there are tables";
  publish(part);
  EXPECT_NE(attached("gwtest0"), program);
  EXPECT_NE(attached("gwtest0"), 0U);
  part.stop(End::kDetach);
  EXPECT_FALSE(exists(kPins + "/one"));
}

TEST_F(KernelPartTest, ADeviceThatIsNotConfiguredAnyMoreIsFreed) {
  leave_behind();
  const KernelPartPtr part = start(options_for("one", "gwtest1"));
  ASSERT_TRUE(part);
  EXPECT_NE(attached("gwtest1"), 0U);
  EXPECT_EQ(attached("gwtest0"), 0U);
  part->stop(End::kDetach);
}

TEST_F(KernelPartTest, DetachingNeedsNoDaemon) {
  leave_behind();
  const auto detached = detach(kPins, "one");
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_TRUE(*detached);
  EXPECT_EQ(attached("gwtest0"), 0U);
  EXPECT_FALSE(exists(kPins + "/one"));
  const auto again = detach(kPins, "one");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(*again);
}

TEST_F(KernelPartTest, WhatRunsOrIsNotTrustedIsNotDetached) {
  KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part);
  const auto running = detach(kPins, "one");
  ASSERT_FALSE(running);
  EXPECT_THAT(running.error().message, testing::HasSubstr("stop it first"));
  part->stop(End::kKeep);
  part.reset();

  ASSERT_EQ(chmod((kPins + "/one").c_str(), 0770), 0);
  const auto foreign = detach(kPins, "one");
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, testing::HasSubstr("not trusted"));
  EXPECT_NE(attached("gwtest0"), 0U);
  ASSERT_EQ(chmod((kPins + "/one").c_str(), 0700), 0);
}

/// Makes the daemon look as if it had been busy with something else for so long.
void age(std::uint32_t program_id, std::uint64_t seconds) {
  const base::FileDescriptor program(bpf_prog_get_fd_by_id(program_id));
  auto maps = bpf::maps_of(program.get());
  ASSERT_TRUE(maps) << maps.error().message;
  const int map = maps->at(GW_CONTROL_SECTION).fd.get();
  gw_control control{};
  const std::uint32_t first = 0;
  ASSERT_EQ(bpf_map_lookup_elem(map, &first, &control), 0);
  control.daemon_alive_s -= seconds;
  ASSERT_EQ(bpf_map_update_elem(map, &first, &control, BPF_ANY), 0);
}

std::vector<Orphan> orphans() {
  std::vector<std::string> problems;
  auto found = find_orphans(kPins, problems);
  EXPECT_TRUE(found) << found.error().message;
  EXPECT_THAT(problems, testing::IsEmpty());
  return found.value_or(std::vector<Orphan>());
}

TEST_F(KernelPartTest, WhoseDaemonEndedIsAnOrphanAtOnce) {
  leave_behind();
  const auto alone = orphans();
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(alone[0].director, "one");
  EXPECT_LT(alone[0].alone_s, kAliveWithin_s) << "otherwise this shows nothing";
}

TEST_F(KernelPartTest, WhoseDaemonRunsIsNoOrphanUnlessItHangs) {
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part);
  EXPECT_THAT(orphans(), testing::IsEmpty());
  age(attached("gwtest0"), 5);
  const auto hangs = orphans();
  ASSERT_EQ(hangs.size(), 1U);
  EXPECT_GE(hangs[0].alone_s, 5U);
  part->reclaim();
  EXPECT_THAT(orphans(), testing::IsEmpty());
  part->stop(End::kDetach);
}

/// A way to spoil the pins of a director.
struct Damage {
  const char* name;
  void (*make)(const PinDir& pins);
  bool spares_flows = false;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

void flip_byte(const PinDir& pins, std::size_t at) {
  const auto kept = pins.get(FlowStore::kKept);
  ASSERT_TRUE(kept && *kept);
  std::array<std::uint8_t, FlowStore::kKeptUnit> page{};
  const std::uint32_t first = 0;
  ASSERT_EQ(bpf_map_lookup_elem(kept->get(), &first, page.data()), 0);
  page[at] ^= 1;
  ASSERT_EQ(bpf_map_update_elem(kept->get(), &first, page.data(), BPF_ANY), 0);
}

/// The program that goes on knows the flows, and another Guideway may adopt them.
TEST_F(KernelPartTest, AFailedStartKeepsATableThatItDoesNotAdopt) {
  leave_behind();
  auto pins = PinDir::find(kPins, "one");
  ASSERT_TRUE(pins);
  constexpr std::size_t kVersion = 8;
  flip_byte(*pins, kVersion);
  KernelOptions options = options_for("one", "gwtest0");
  options.nat_addresses = 3;
  {
    auto part = KernelPart::open(options);
    ASSERT_TRUE(part) << part.error().message;
    EXPECT_FALSE((*part)->adopted());
    ASSERT_TRUE((*part)->attach());
  }
  flip_byte(*pins, kVersion);
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part && part->adopted());
  EXPECT_EQ(part->flow_table().buckets[5].words[3], kWord);
  EXPECT_EQ(part->nat_table().planes, 2U);
  part->stop(End::kDetach);
}

void replace_by_map(const PinDir& pins, const char* name, std::uint32_t value_size,
                    std::uint32_t entries = 3) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  const base::FileDescriptor map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, value_size, entries, &options));
  ASSERT_TRUE(map);
  ASSERT_TRUE(pins.put(map.get(), name));
}

void replace_by_program(const PinDir& pins, const char* name) {
  const auto program = foreign_program("other");
  ASSERT_TRUE(pins.put(program.get(), name));
}

const Damage kDamages[] = {
    {"FirstByte", [](const PinDir& pins) { flip_byte(pins, 0); }},
    {"Version", [](const PinDir& pins) { flip_byte(pins, 8); }},
    {"SomewhereInTheIdentities", [](const PinDir& pins) { flip_byte(pins, 300); }},
    {"NoDescription", [](const PinDir& pins) { pins.remove(FlowStore::kKept); }},
    {"NoFlows", [](const PinDir& pins) { pins.remove(FlowStore::kFlows); }},
    {"AnotherMapForFlows", [](const PinDir& pins) { replace_by_map(pins, FlowStore::kFlows, 64); }},
    {"FlowsOfAnotherSize", [](const PinDir& pins) { replace_by_map(pins, FlowStore::kFlows, 8); }},
    {"AnotherMapForKept", [](const PinDir& pins) { replace_by_map(pins, FlowStore::kKept, 4096); }},
    {"AProgramForFlows", [](const PinDir& pins) { replace_by_program(pins, FlowStore::kFlows); }},
    {"AMapForTheLink",
     [](const PinDir& pins) {
       replace_by_map(pins, Attachment::pin_name("gwtest0").c_str(), 8);
       // The link's program leaves the device some time after the link's last name.
       ASSERT_TRUE(test::eventually([] { return attached("gwtest0") == 0; }));
     },
     true},
    // Numbered among maps as XDP's links are among links.
    {"APerCpuMapForTheLink",
     [](const PinDir& pins) {
       const base::FileDescriptor map(
           bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "other", 4, 8, 3, nullptr));
       ASSERT_TRUE(map);
       ASSERT_TRUE(pins.put(map.get(), Attachment::pin_name("gwtest0").c_str()));
       ASSERT_TRUE(test::eventually([] { return attached("gwtest0") == 0; }));
     },
     true},
    {"AMapForTheSockets", [](const PinDir& pins) { replace_by_map(pins, "xsks-gwtest0", 4); },
     true},
    {"NatOfAnotherSize", [](const PinDir& pins) { replace_by_map(pins, NatStore::kNat, 8); }, true},
    {"NatOfLessThanAPlane",
     [](const PinDir& pins) { replace_by_map(pins, NatStore::kNat, NatStore::kUnit, 64); }, true},
};

class DamagedPins : public KernelPartTest, public testing::WithParamInterface<Damage> {};

/// Whatever is there, the daemon starts, or says in a sentence why not; and it forwards afterwards.
TEST_P(DamagedPins, AreNotTrusted) {
  leave_behind();
  auto pins = PinDir::find(kPins, "one");
  ASSERT_TRUE(pins) << pins.error().message;
  GetParam().make(*pins);
  const KernelPartPtr part = start(options_for("one", "gwtest0"));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->adopted().has_value(), GetParam().spares_flows);
  EXPECT_EQ(part->flow_table().buckets[5].words[3], GetParam().spares_flows ? kWord : 0U);
  EXPECT_EQ(part->nat_table().planes, 2U);
  EXPECT_NE(attached("gwtest0"), 0U);
  part->stop(End::kDetach);
  EXPECT_EQ(attached("gwtest0"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedPins, testing::ValuesIn(kDamages),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace guideway::datapath::xdp

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (!guideway::test::enter_own_namespaces()) return 1;
  return RUN_ALL_TESTS();
}
