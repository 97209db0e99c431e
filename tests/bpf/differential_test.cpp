// SPDX-License-Identifier: Apache-2.0
// Whatever bytes come in, the native core and the loaded XDP program do the same: verdict, reason
// and every other counter, bytes that leave, flow table. Sequences of packets over several
// configurations, with time, sweeps, resets, foreign words and moves between shards in between.
// Arguments: seconds (default 4), seed (default 1); what fails is named by seed and sequence.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "tests/bpf/mutations.h"
#include "tests/support/answer.h"
#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/router_error.h"
#include "tests/support/xdp_world.h"

namespace guideway::test {
namespace {

/// Small, so that buckets fill and entries are evicted.
constexpr std::uint32_t kBuckets = 4;
constexpr std::size_t kSteps = 200;
/// However slow the machine: with so many, each reason that is asked for below is met.
constexpr std::size_t kFewestSequences = 160;
/// What BPF_PROG_TEST_RUN leaves in front (XDP_PACKET_HEADROOM), and enough behind.
constexpr std::size_t kRoomInFront = 256;
constexpr std::size_t kRoomBehind = 256;

struct Shape {
  PlainConfig config;
  int vlans = 0;
  std::uint32_t shards = 1;
};

const Shape kShapes[] = {
    {{.forwarding = "l2dsr"}},
    {{.forwarding = "l2dsr", .hash = "source", .outer_family = 6}, 2, 2},
    {{.forwarding = "ipip"}},
    {{.forwarding = "ipip", .hash = "source_port"}, 1, 2},
    {{.forwarding = "ipip", .outer_family = 6}, 0, 2},
    {{.forwarding = "ipip", .hash = "source_destination", .outer_family = 6}, 2},
    {{.forwarding = "vxlan", .clamp_mss = true}, 0, 2},
    {{.forwarding = "vxlan", .hash = "source", .outer_family = 6}, 1},
    {{.forwarding = "gre", .outer_family = 6}, 1},
    {{.forwarding = "gue"}},
    {{.forwarding = "l2dsr", .scheduler = "round_robin"}},
    {{.forwarding = "l2dsr", .scheduler = "weighted_least_connections"}, 0, 2},
    {{.forwarding = "ipip", .hash = "source", .scheduler = "least_connections"}, 0, 2},
    {{.forwarding = "nat"}},
    {{.forwarding = "nat", .toa = true}},
    {{.forwarding = "nat", .outer_family = 6, .toa = true}, 1, 2},
    {{.forwarding = "nat", .outer_family = 6}, 1, 2},
    {{.forwarding = "nat", .scheduler = "weighted_least_connections", .clamp_mss = true}, 2},
    {{.forwarding = "nat", .snat = false, .clamp_mss = true}, 1},
    {{.forwarding = "nat", .outer_family = 6, .snat = false}, 0, 2},
};

double seconds = 4;
std::uint64_t seed = 1;

std::vector<Bytes> examples() {
  std::vector<Bytes> all;
  for (const auto& entry : std::filesystem::directory_iterator(GUIDEWAY_PARSE_CORPUS)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!bytes.empty()) all.emplace_back(bytes.begin(), bytes.end());
  }
  return all;
}

gw_counters difference(const gw_counters& after, const gw_counters& before) {
  gw_counters d{};
  d.packets_in = after.packets_in - before.packets_in;
  d.bytes_in = after.bytes_in - before.bytes_in;
  for (int i = 0; i < GW_REASON_COUNT; i++) d.reasons[i] = after.reasons[i] - before.reasons[i];
  for (int i = 0; i < GW_EVENT_COUNT; i++) d.events[i] = after.events[i] - before.events[i];
  return d;
}

/// The core and the program with the same generation; what is done to one is done to the other.
class Pair {
 public:
  Pair(const Shape& shape, XdpWorld& program)
      : core_({.buckets_per_shard = kBuckets,
               .shards = shape.shards,
               .nat_planes = shape.config.forwarding == "nat" ? 1U : 0U}),
        program_(program) {
    const model::Model model = make_model(shape.config);
    const compile::NextHops hops = all_resolved(model, shape.vlans);
    EXPECT_TRUE(core_.publish(model, hops));
    auto published = program_.publish(std::make_shared<compile::ForwardingState>(core_.state()));
    EXPECT_TRUE(published) << published.error().message;
    program_.set_now_s(core_.now_s());
    program_.forget_turns();
    copy_table();
  }

  void send(const Bytes& frame) {
    const gw_counters core_before = core_.counters();
    const gw_counters program_before = program_.counters();
    Frame native(frame, kRoomInFront, kRoomBehind);
    const gw_outcome outcome = core_.balance(native);
    const auto ran = program_.run(frame);
    ASSERT_TRUE(ran) << ran.error().message;
    const gw_counters core_counts = difference(core_.counters(), core_before);
    const gw_counters program_counts = difference(program_.counters(), program_before);
    for (int i = 0; i < GW_REASON_COUNT; i++)
      ASSERT_EQ(core_counts.reasons[i], program_counts.reasons[i]) << "reason " << i;
    for (int i = 0; i < GW_EVENT_COUNT; i++)
      ASSERT_EQ(core_counts.events[i], program_counts.events[i]) << "event " << i;
    ASSERT_EQ(core_counts.packets_in, 1U);
    ASSERT_EQ(program_counts.packets_in, 1U);
    ASSERT_EQ(core_counts.bytes_in, program_counts.bytes_in);
    ASSERT_EQ(outcome.verdict, ran->verdict);
    if (outcome.verdict == GW_FORWARD) {
      ASSERT_EQ(outcome.interface_index, ran->interface_index);
    }
    if (outcome.verdict != GW_DROP) {
      ASSERT_EQ(native.bytes(), ran->bytes);
    }
    ASSERT_EQ(std::memcmp(core_.buckets().data(), program_.buckets().data(),
                          core_.buckets().size() * sizeof(gw_flow_bucket)),
              0)
        << "the flow tables differ";
    reasons_ |= std::uint64_t{1} << outcome.reason;
    for (int i = 0; i < GW_EVENT_COUNT; i++)
      if (core_counts.events[i] != 0) events_ |= std::uint64_t{1} << i;
    if (core_counts.events[GW_EVENT_ICMP_ERROR_PASSED] != 0 && !core_.nat_buckets().empty())
      errors_ |= std::uint64_t{1} << outcome.reason;
    if (outcome.reason == GW_REASON_FORWARDED) forwarded_ = native.bytes();
    if (outcome.reason == GW_REASON_NAT_RETURNED) returned_ = native.bytes();
  }
  /// What was forwarded last is answered, if translation makes answers come here.
  void answer(std::uint8_t flags, std::uint64_t damage) {
    auto frame = core_.nat_buckets().empty() ? std::nullopt : answer_to(forwarded_, flags);
    if (!frame) return;
    if (damage % 8 == 1) (*frame)[26 + damage / 8 % 12] ^= 1;  // addresses and ports, mostly
    if (damage % 4 == 0) (*frame)[damage / 4 % frame->size()] ^= 1;
    send(*frame);
  }
  /// A router says that what was sent last, to a backend or to a client, did not get through.
  void complain(std::uint64_t how) {
    const auto frame = router_error(how & 1 ? returned_ : forwarded_,
                                    static_cast<std::uint8_t>(how >> 8), how >> 16 & 63);
    if (frame) send(*frame);
  }
  void require_equal_nat_tables() {
    auto& own = core_.nat_buckets();
    if (own.empty()) return;
    ASSERT_EQ(
        std::memcmp(own.data(), program_.nat_buckets().data(), own.size() * sizeof(gw_nat_bucket)),
        0)
        << "the NAT tables differ";
  }

  void pass_time(std::uint32_t seconds_passed) {
    core_.set_now_s(core_.now_s() + seconds_passed);
    program_.set_now_s(core_.now_s());
  }
  void sweep(std::uint32_t reset) {
    core_.sweep(reset);
    copy_table();
  }
  /// Somebody else's word.
  void plant(std::size_t index, std::uint64_t word) {
    auto& buckets = core_.buckets();
    buckets[index / GW_FLOW_WAYS % buckets.size()].words[index % GW_FLOW_WAYS] = word;
    copy_table();
  }
  /// What was in the last shard is now in the first, and the other way round: as if the flows came
  /// by another queue.
  void swap_shards() {
    auto& buckets = core_.buckets();
    std::swap_ranges(buckets.begin(), buckets.begin() + kBuckets, buckets.end() - kBuckets);
    copy_table();
  }
  std::uint64_t reasons() const { return reasons_; }
  std::uint64_t events() const { return events_; }
  /// Of ICMP errors that were translated.
  std::uint64_t errors() const { return errors_; }

 private:
  void copy_table() {
    std::ranges::copy(core_.buckets(), program_.buckets().begin());
    std::ranges::copy(core_.nat_buckets(), program_.nat_buckets().begin());
  }

  CoreWorld core_;
  XdpWorld& program_;
  std::uint64_t reasons_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t errors_ = 0;
  Bytes forwarded_;
  Bytes returned_;
};

void step(Pair& pair, Mutations& mutations, std::uint32_t shards) {
  switch (mutations.below(32)) {
    case 0:
      return pair.pass_time(
          static_cast<std::uint32_t>(mutations.below(2) ? 1 : mutations.below(500)));
    case 1:
      return pair.sweep(static_cast<std::uint32_t>(mutations.below(12)));
    case 2:
      return pair.plant(mutations.below(1000), mutations.word());
    case 3:
      if (shards > 1) pair.swap_shards();
      return;
    case 4:
    case 5:
    case 6:
    case 7:
      return pair.answer(static_cast<std::uint8_t>(mutations.word()), mutations.word());
    case 8:
    case 9:
      return pair.complain(mutations.word());
    default:
      return pair.send(mutations.next());
  }
}

TEST(CoreAndProgram, DoTheSame) {
  std::vector<std::unique_ptr<XdpWorld>> programs;
  for (const std::uint32_t shards : {1U, 2U}) {
    auto program =
        XdpWorld::load({.buckets_per_shard = kBuckets, .shards = shards, .nat_planes = 1});
    ASSERT_TRUE(program) << program.error().message;
    programs.push_back(std::move(*program));
  }
  const std::vector<Bytes> corpus = examples();
  ASSERT_GT(corpus.size(), 50U);
  std::printf("seed %lu, %.0f s\n", static_cast<unsigned long>(seed), seconds);
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::uint64_t reasons = 0;
  std::uint64_t events = 0;
  std::uint64_t errors = 0;
  std::size_t sequence = 0;
  for (; sequence < kFewestSequences || Clock::now() < end; sequence++) {
    const Shape& shape = kShapes[sequence % std::size(kShapes)];
    Mutations mutations(seed + sequence, corpus, XdpWorld::kShortestFrame, XdpWorld::kLongestFrame);
    Pair pair(shape, *programs[shape.shards - 1]);
    for (std::size_t i = 0; i < kSteps; i++) {
      step(pair, mutations, shape.shards);
      ASSERT_FALSE(testing::Test::HasFailure())
          << "step " << i << "; again: differential_test 0 "
          << seed + sequence - sequence % std::size(kShapes) << ", sequence "
          << sequence % std::size(kShapes) << " of them";
    }
    pair.require_equal_nat_tables();
    reasons |= pair.reasons();
    events |= pair.events();
    errors |= pair.errors();
  }
  std::printf("%zu sequences of %zu steps, reasons met: %lx\n", sequence, kSteps,
              static_cast<unsigned long>(reasons));
  for (const gw_reason met :
       {GW_REASON_FORWARDED, GW_REASON_RESET_SENT, GW_REASON_FRAGMENT, GW_REASON_TIME_EXCEEDED_SENT,
        GW_REASON_IP_LENGTH, GW_REASON_MTU_EXCEEDED, GW_REASON_ECHO_ANSWERED, GW_REASON_ICMP_ERROR,
        GW_REASON_NAT_RETURNED, GW_REASON_NAT_RESET, GW_REASON_NAT_NO_FLOW,
        GW_REASON_NAT_NOT_ITS_BACKEND})
    EXPECT_TRUE(reasons >> met & 1) << "no packet met reason " << met;
  for (const gw_event met : {GW_EVENT_TOA_ADDED, GW_EVENT_TOA_NO_ROOM, GW_EVENT_TOA_ERASED})
    EXPECT_TRUE(events >> met & 1) << "no packet met event " << met;
  for (const gw_reason met : {GW_REASON_FORWARDED, GW_REASON_NAT_RETURNED})
    EXPECT_TRUE(errors >> met & 1) << "no ICMP error was translated for reason " << met;
}

}  // namespace
}  // namespace guideway::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // The program goes round the pools' rings for each CPU by itself.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) return 1;
  if (argc > 1) guideway::test::seconds = std::strtod(argv[1], nullptr);
  if (argc > 2) guideway::test::seed = std::strtoull(argv[2], nullptr, 10);
  if (const char* given = std::getenv("GUIDEWAY_FUZZ_SEED"))
    guideway::test::seed = std::strtoull(given, nullptr, 10);
  if (const char* given = std::getenv("GUIDEWAY_FUZZ_SECONDS"); given && argc == 1)
    guideway::test::seconds = std::strtod(given, nullptr);
  return RUN_ALL_TESTS();
}
