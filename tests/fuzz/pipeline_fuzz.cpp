// SPDX-License-Identifier: Apache-2.0
// The whole pipeline, by gw_balance() in one world and by gw_balance_burst() in its twin. The input
// is a little program: world, headroom, then steps until it ends:
//   0x00–0xeb  a packet: length (16 bits, little-endian), bytes; packets in a row are one burst
//   0xec–0xed  its backend answers what was forwarded last: TCP flags (8 bits)
//   0xee–0xef  a router says that it did not get through: kind (8 bits), bytes quoted (8 bits);
//   0xef: of
//              what was sent back to a client
//   0xf0–0xf3  time passes: seconds (8 bits) × 1, 10, 100, 1000; then a sweep
//   0xf4–0xf7  a sweep that marks backend id (8 bits)
//   0xf8–0xfb  the next burst comes to shard (8 bits)
//   0xfc–0xff  somebody else's word in the flow table: index (16 bits), word (64 bits)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/balance_burst.h"
#include "tests/fuzz/forwarded.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"
#include "tests/support/answer.h"
#include "tests/support/core_world.h"
#include "tests/support/plain_config.h"
#include "tests/support/router_error.h"

namespace guideway::test {
namespace {

constexpr WorldSize kSize{.buckets_per_shard = 4, .shards = 3};
constexpr WorldSize kNatSize{.buckets_per_shard = 4, .shards = 3, .nat_planes = 1};
constexpr std::size_t kMaxPacket = 2048;

/// Two worlds that must stay alike.
class Twins {
 public:
  Twins(const PlainConfig& config, int vlans)
      : plain_(config.forwarding == "nat" ? kNatSize : kSize),
        burst_(config.forwarding == "nat" ? kNatSize : kSize) {
    shape_.vlans = static_cast<std::size_t>(vlans);
    shape_.nat = config.forwarding == "nat";
    shape_.toa = config.toa;
    shape_.outer_family = config.forwarding == "l2dsr" || shape_.nat ? 0 : config.outer_family;
    shape_.udp = config.forwarding == "vxlan" || config.forwarding == "gue";
    // UDP, VXLAN and Ethernet are 8, 8 and 14 bytes; GUE and GRE 4 each.
    if (config.forwarding == "vxlan") shape_.between = 30;
    if (config.forwarding == "gue") shape_.between = 12;
    if (config.forwarding == "gre") shape_.between = 4;
    const model::Model model = make_model(config);
    for (CoreWorld* world : {&plain_, &burst_}) {
      require(world->publish(model, all_resolved(model, vlans)).has_value(),
              "the configuration compiles");
    }
  }

  void forget() {
    for (CoreWorld* world : {&plain_, &burst_}) {
      std::fill(world->buckets().begin(), world->buckets().end(), gw_flow_bucket{});
      const auto made = [&](std::uint32_t i) {
        return world->counters(i).events[GW_EVENT_FLOW_NEW];
      };
      if (shape_.nat && made(0) + made(1) + made(2) != 0)  // clearing takes its time
        std::fill(world->nat_buckets().begin(), world->nat_buckets().end(), gw_nat_bucket{});
      for (std::uint32_t i = 0; i < kSize.shards; ++i) world->counters(i) = gw_counters{};
      world->set_now_s(CoreWorld::kStart_s);
    }
    shard_ = 0;
    forwarded_.clear();
    returned_.clear();
  }

  void pass_time(std::uint32_t seconds, std::uint32_t marked) {
    for (CoreWorld* world : {&plain_, &burst_}) {
      world->set_now_s(world->now_s() + seconds);
      world->sweep(marked);
    }
  }
  void set_shard(std::uint32_t shard) { shard_ = shard % kSize.shards; }
  void plant(std::size_t index, std::uint64_t word) {
    for (CoreWorld* world : {&plain_, &burst_}) {
      gw_flow_bucket& bucket = world->buckets()[index / GW_FLOW_WAYS % world->buckets().size()];
      bucket.words[index % GW_FLOW_WAYS] = word;
    }
  }
  void balance(const std::vector<std::span<const std::uint8_t>>& packets, std::size_t headroom);
  void answer(std::uint8_t flags, std::size_t headroom) {
    const auto frame = answer_to(forwarded_, flags);
    if (frame) balance({*frame}, headroom);
  }
  void complain(bool about_answer, std::uint8_t choice, std::size_t quoted, std::size_t headroom) {
    const auto frame = router_error(about_answer ? returned_ : forwarded_, choice, quoted);
    if (frame) balance({*frame}, headroom);
  }
  void require_sums();

 private:
  void require_alike();

  CoreWorld plain_;
  CoreWorld burst_;
  Bytes forwarded_;  // last, to a backend
  Bytes returned_;   // last, to a client
  ForwardedShape shape_;
  std::uint32_t shard_ = 0;
};

void Twins::balance(const std::vector<std::span<const std::uint8_t>>& packets,
                    std::size_t headroom) {
  std::vector<Frame> ours, theirs;
  std::vector<gw_packet> burst;
  for (const std::span<const std::uint8_t> packet : packets) {
    ours.emplace_back(packet, headroom);
    theirs.emplace_back(packet, headroom);
    burst.push_back(*theirs.back().packet());
  }
  std::vector<gw_outcome> outcomes(packets.size());
  gw_balance_burst(&burst_.port(shard_), burst.data(), outcomes.data(),
                   static_cast<unsigned>(burst.size()), burst_.now_s());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const gw_outcome outcome = plain_.balance(ours[i], shard_);
    require(ours[i].is_inside_buffer(), "the frame stays in its buffer");
    require(std::memcmp(&outcome, &outcomes[i], sizeof outcome) == 0,
            "the burst has the same outcome");
    require(ours[i].bytes() == Bytes(burst[i].data, burst[i].end), "the burst has the same bytes");
    require(outcome.frame_length == packets[i].size(), "the length counted is the frame's");
    if (outcome.reason == GW_REASON_FORWARDED) {
      require_forwarded(packets[i], ours[i].bytes(), shape_);
      forwarded_ = ours[i].bytes();
    }
    if (outcome.reason == GW_REASON_TIME_EXCEEDED_SENT ||
        outcome.reason == GW_REASON_TOO_BIG_SENT) {
      require_error_about(packets[i], ours[i].bytes(), shape_.toa);
    }
    if (outcome.reason == GW_REASON_NAT_RETURNED) {
      require_translated(packets[i], ours[i].bytes());
      returned_ = ours[i].bytes();
    }
    if (outcome.verdict == GW_KERNEL) {
      require(std::ranges::equal(ours[i].bytes(), packets[i]), "the kernel gets what came in");
    }
  }
  require_alike();
}

void Twins::require_alike() {
  require(std::memcmp(&plain_.counters(shard_), &burst_.counters(shard_), sizeof(gw_counters)) == 0,
          "the counters are alike");
  require(std::memcmp(plain_.buckets().data(), burst_.buckets().data(),
                      plain_.buckets().size() * sizeof(gw_flow_bucket)) == 0,
          "the flow tables are alike");
}

void Twins::require_sums() {
  require(plain_.nat_buckets().empty() ||
              std::memcmp(plain_.nat_buckets().data(), burst_.nat_buckets().data(),
                          plain_.nat_buckets().size() * sizeof(gw_nat_bucket)) == 0,
          "the NAT tables are alike");
  for (std::uint32_t shard = 0; shard < kSize.shards; ++shard) {
    const gw_counters& counters = plain_.counters(shard);
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counters.reasons) sum += count;
    require(sum == counters.packets_in, "every packet has exactly one reason");
    require(counters.reasons[GW_REASON_BAD_TABLE] == 0, "sound tables are never called damaged");
  }
}

Twins& twins_of(std::uint64_t choice) {
  static Twins worlds[] = {{{.forwarding = "l2dsr"}, 0},
                           {{.forwarding = "ipip", .hash = "source_port", .outer_family = 6}, 1},
                           {{.forwarding = "vxlan", .outer_family = 4}, 2},
                           {{.forwarding = "vxlan", .hash = "source", .outer_family = 6}, 2},
                           {{.forwarding = "gre", .outer_family = 6}, 0},
                           {{.forwarding = "gue", .outer_family = 4}, 1},
                           {{.forwarding = "nat"}, 1},
                           {{.forwarding = "nat", .outer_family = 6}, 0},
                           {{.forwarding = "nat", .snat = false, .clamp_mss = true}, 0},
                           {{.forwarding = "nat", .outer_family = 6, .snat = false}, 1},
                           {{.forwarding = "nat", .clamp_mss = true, .toa = true}, 0},
                           {{.forwarding = "nat", .outer_family = 6, .toa = true}, 2}};
  return worlds[choice % std::size(worlds)];
}

void run(Input input) {
  Twins& twins = twins_of(input.take(1));
  twins.forget();
  const std::size_t headroom = input.take(1) % (kHeadroom + 1);
  std::vector<std::span<const std::uint8_t>> burst;
  while (!input.at_end()) {
    const std::uint64_t step = input.take(1);
    if (step < 0xec) {
      burst.push_back(input.take_bytes(input.take(2) % kMaxPacket));
      if (burst.size() < GW_BURST_MAX) continue;
    }
    twins.balance(burst, headroom);
    burst.clear();
    constexpr std::uint32_t kSteps_s[] = {1, 10, 100, 1000};
    if (step == 0xee || step == 0xef) {
      const auto choice = static_cast<std::uint8_t>(input.take(1));
      twins.complain(step == 0xef, choice, input.take(1), headroom);
    } else if (step >= 0xec && step < 0xf0) {
      twins.answer(static_cast<std::uint8_t>(input.take(1)), headroom);
    } else if (step >= 0xfc) {
      const std::size_t index = input.take(2);
      twins.plant(index, input.take(8));
    } else if (step >= 0xf8) {
      twins.set_shard(static_cast<std::uint32_t>(input.take(1)));
    } else if (step >= 0xf4) {
      twins.pass_time(0, static_cast<std::uint32_t>(input.take(1)));
    } else if (step >= 0xf0) {
      twins.pass_time(static_cast<std::uint32_t>(input.take(1)) * kSteps_s[step & 3],
                      GW_NO_BACKEND);
    }
  }
  twins.balance(burst, headroom);
  twins.require_sums();
}

}  // namespace
}  // namespace guideway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guideway::test::run(guideway::test::Input({data, size}));
  return 0;
}
