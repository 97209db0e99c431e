// SPDX-License-Identifier: Apache-2.0
// One row of the XDP benchmark: so many flows, and the time that our balancer and the one with an
// LRU hash take for a packet, less what the feeder with an empty program takes. The three take
// turns within each round, so that they meet the same weather.
// Threading: one thread, pinned.
#ifndef GUIDEWAY_TESTS_BENCH_XDP_RUN_H_
#define GUIDEWAY_TESTS_BENCH_XDP_RUN_H_

#include <array>
#include <cstdint>

#include "cycles.h"
#include "guideway/base/result.h"
#include "xdp_programs.h"

namespace guideway::bench {

struct XdpCase {
  /// 0: every packet is the SYN of a flow never seen before.
  std::uint32_t flows = 1;
  unsigned rounds = 10;
  /// Timed packets of one program in one round.
  std::uint64_t packets = 200'000;
  XdpTables tables;
};

struct XdpProgramResult {
  /// Net of the empty program of the same round: the median of the rounds. Rounds are repeated
  /// while the hypervisor disturbs them.
  Summary ns_per_packet;
  /// Of all timed packets.
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t tx = 0;
};

struct XdpResult {
  double empty_ns = 0;
  /// One load of a random line of as many as there are flows, in a memory of our flow table's size:
  /// the median of the rounds.
  double load_ns = 0;
  unsigned repeated = 0;
  /// The LRU hash's net time against ours, of the same round.
  Summary lru_ratio;
  std::array<XdpProgramResult, BENCH_PROGRAMS> programs;  // [BENCH_EMPTY] is not used
};

/// Errors: no permission; counters that say that packets took another path than the one to be
/// measured.
Result<XdpResult> run_xdp_case(const XdpCase& spec);

struct XdpSwapsResult {
  Summary still_ns;
  Summary swapped_ns;
  /// Of throughput: the median of the rounds' pairs, with its 95 % interval.
  Summary lost;
  double swaps_per_s = 0;
  std::uint64_t hits = 0;
  unsigned repeated = 0;
};

/// Our program alone, with and without generations that are published beside it, in turns.
/// REQUIRES: two CPUs; flows that are known.
Result<XdpSwapsResult> run_xdp_swaps(const XdpCase& spec, unsigned swaps_per_s);

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_XDP_RUN_H_
