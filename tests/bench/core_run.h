// SPDX-License-Identifier: Apache-2.0
// One row of the core benchmark: a flow table with a number of flows in it, packets of these flows
// in random order (or of ever new ones), and the cycles that gw_balance_burst() takes for each.
// Threading: one thread, pinned.
#ifndef GUIDEWAY_TESTS_BENCH_CORE_RUN_H_
#define GUIDEWAY_TESTS_BENCH_CORE_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core_tables.h"
#include "core_worker.h"
#include "cycles.h"
#include "guideway/base/result.h"
#include "pages.h"
#include "random.h"

namespace guideway::bench {

enum class Traffic {
  kKnownFlows,  // each packet belongs to a flow in the table
  kNewFlows,    // each packet is the SYN of a flow never seen before; the table is full of such
};

struct CoreCase {
  TableSpec tables;
  Traffic traffic = Traffic::kKnownFlows;
  Pipeline pipeline = Pipeline::kBurst;
  std::uint64_t flows = 1;
  /// None: 2 Mi, or 16 Mi when the flows need it.
  std::optional<std::uint64_t> table_entries;
  std::uint32_t burst = 32;
  std::uint32_t ring = 4096;
  unsigned rounds = 10;
  /// Packets of one round, rounded up to whole rings.
  std::uint64_t packets_per_round = 1'000'000;
  PageKind largest_pages = PageKind::kHuge;
};

struct CoreResult {
  Summary cycles_per_packet;
  /// The tenth part of all rings was faster: what is left when the neighbours are quiet.
  double quiet_cycles_per_packet = 0;
  std::uint64_t table_entries = 0;
  /// Of the flow table, which the speed depends on most.
  PageKind pages = PageKind::kSmall;
  /// All rounds together, repeated ones included.
  std::uint64_t packets = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t second_bucket = 0;
  /// How often the kernel took the CPU away; above a few a second the machine was busy.
  std::uint64_t interruptions = 0;
  /// Rounds that were repeated because the hypervisor took time away.
  unsigned repeated = 0;
};

/// One case, ready to be measured round by round, so that several can take turns.
class CoreRun {
 public:
  /// The flow table is filled. Errors: no memory; the tables cannot be compiled.
  static Result<std::unique_ptr<CoreRun>> make(const CoreCase& spec);

  /// Cycles per packet of one round: the median over the rings, each of a tenth of a millisecond,
  /// so that an interrupt spoils one and not the round. Warms up first.
  double round();
  /// So far. Errors: counters that say that packets took another path than the one to be measured.
  Result<CoreResult> result() const;

 private:
  CoreRun(const CoreCase& spec, const compile::ForwardingStatePtr& state, PacketRing ring,
          FlowTable flows);
  void warm_up();
  double timed_round();
  void fill_ring();
  double process_ring();

  CoreCase spec_;
  datapath::TablesPtr tables_;
  PacketRing ring_;
  FlowTable flows_;
  CoreWorker worker_;
  Random random_;
  std::uint64_t next_new_flow_ = 0;
  std::uint64_t interruptions_before_ = 0;
  std::vector<double> rounds_;
  std::vector<double> rings_;  // of all rounds
  CoreResult result_;
};

struct ComparedResult {
  CoreResult result;
  /// Cycles against those of the first case in the same round: the median of all rounds.
  Summary ratio;
};

/// All rounds of cases that are compared with the first of them, in turns. REQUIRES: as many rounds
/// of each; at least one case.
Result<std::vector<ComparedResult>> run_in_turns(const std::vector<CoreCase>& cases);

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_CORE_RUN_H_
