// SPDX-License-Identifier: Apache-2.0
#include "core_run.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "undisturbed.h"

namespace guideway::bench {
namespace {

constexpr std::uint64_t kUsualEntries = std::uint64_t{1} << 21;
constexpr std::uint64_t kManyEntries = std::uint64_t{1} << 24;

std::uint64_t entries_for(const CoreCase& spec) {
  if (spec.table_entries) return *spec.table_entries;
  return spec.flows > kUsualEntries * 3 / 4 ? kManyEntries : kUsualEntries;
}

/// Why the counters show another path than the one to be measured; empty if they do not.
std::string wrong_path(const CoreCase& spec, const CoreResult& result) {
  const auto [packets, hits, misses] = std::tuple(result.packets, result.hits, result.misses);
  if (result.forwarded != packets)
    return std::to_string(packets - result.forwarded) + " packets were not forwarded";
  if (hits + misses != packets) return "hits and misses are not all packets";
  // Beyond its first bucket's room a flow may go untracked (0.008 % at 75 % load); two flows of
  // equal tag share an entry.
  const std::uint64_t tolerated = packets / 5000;
  const std::uint64_t unwanted = spec.traffic == Traffic::kKnownFlows ? misses : hits;
  if (unwanted > tolerated)
    return std::to_string(unwanted) + " of " + std::to_string(packets) + " packets " +
           (unwanted == misses ? "missed" : "hit") + " the flow table";
  return "";
}

}  // namespace

Result<std::unique_ptr<CoreRun>> CoreRun::make(const CoreCase& spec) {
  Result<compile::ForwardingStatePtr> state = make_tables(spec.tables);
  if (!state) return tl::unexpected(state.error());
  Result<PacketRing> ring = PacketRing::make({.size = spec.ring,
                                              .family = spec.tables.family,
                                              .services = spec.tables.services,
                                              .largest_pages = spec.largest_pages});
  if (!ring) return tl::unexpected(ring.error());
  Result<FlowTable> flows = FlowTable::make(entries_for(spec), spec.largest_pages);
  if (!flows) return tl::unexpected(flows.error());
  return std::unique_ptr<CoreRun>(new CoreRun(spec, *state, std::move(*ring), std::move(*flows)));
}

CoreRun::CoreRun(const CoreCase& spec, const compile::ForwardingStatePtr& state, PacketRing ring,
                 FlowTable flows)
    : spec_(spec),
      tables_(datapath::tables_of(state)),
      ring_(std::move(ring)),
      flows_(std::move(flows)),
      worker_(flows_, *state),
      interruptions_before_(interruptions()) {
  worker_.use(*tables_);
  if (spec_.traffic == Traffic::kKnownFlows) establish_flows(worker_, ring_, 0, spec_.flows);
}

double CoreRun::round() {
  rounds_.push_back(undisturbed(result_.repeated, [this] {
    warm_up();
    const CounterDifference added = since_now(worker_);
    const double cycles = timed_round();
    result_.packets += added.packets();
    result_.forwarded += added.reason(GW_REASON_FORWARDED);
    result_.hits += added.event(GW_EVENT_FLOW_HIT);
    result_.misses += added.event(GW_EVENT_FLOW_MISS);
    result_.second_bucket += added.event(GW_EVENT_SECOND_BUCKET);
    return cycles;
  }));
  return rounds_.back();
}

Result<CoreResult> CoreRun::result() const {
  CoreResult result = result_;
  result.cycles_per_packet = median_interval(rounds_);
  result.quiet_cycles_per_packet = quantile(rings_, 0.1);
  result.table_entries = entries_for(spec_);
  result.pages = flows_.pages.kind();
  result.interruptions = interruptions() - interruptions_before_;
  const std::string problem = wrong_path(spec_, result);
  if (!problem.empty())
    return base::fail("the benchmark measured the wrong path: " + problem + "; please report");
  return result;
}

/// Brings caches and table into the state of long-running traffic.
void CoreRun::warm_up() {
  const std::uint64_t things =
      spec_.traffic == Traffic::kKnownFlows ? spec_.flows : entries_for(spec_);
  for (std::uint64_t done = 0; done < 4 * things; done += ring_.size()) {
    fill_ring();
    process_ring();
  }
}

double CoreRun::timed_round() {
  std::vector<double> rings;
  for (std::uint64_t done = 0; done < spec_.packets_per_round; done += ring_.size()) {
    fill_ring();
    rings.push_back(process_ring());
  }
  rings_.insert(rings_.end(), rings.begin(), rings.end());
  return median(rings);
}

void CoreRun::fill_ring() {
  for (std::uint32_t i = 0; i < ring_.size(); i++) {
    if (spec_.traffic == Traffic::kNewFlows) {
      ring_.fill(i, next_new_flow_++, kSyn);
    } else {
      ring_.fill(i, random_.below(spec_.flows), kAck);
    }
  }
}

/// Cycles per packet.
double CoreRun::process_ring() {
  std::array<gw_outcome, kMaxBurst> outcomes;
  const std::uint32_t now_s = now_seconds();
  const std::uint64_t start = cycles_now();
  for (std::uint32_t first = 0; first < ring_.size(); first += spec_.burst)
    worker_.balance(ring_, first, std::min(spec_.burst, ring_.size() - first), now_s,
                    outcomes.data(), spec_.pipeline);
  return static_cast<double>(cycles_now() - start) / ring_.size();
}

Result<std::vector<ComparedResult>> run_in_turns(const std::vector<CoreCase>& cases) {
  std::vector<std::unique_ptr<CoreRun>> runs;
  for (const CoreCase& each : cases) {
    auto run = CoreRun::make(each);
    if (!run) return tl::unexpected(run.error());
    runs.push_back(std::move(*run));
  }
  std::vector<std::vector<double>> ratios(runs.size());
  for (unsigned round = 0; round < cases.front().rounds; round++) {
    const double first = runs.front()->round();
    for (std::size_t i = 0; i < runs.size(); i++)
      ratios[i].push_back(i == 0 ? 1 : runs[i]->round() / first);
  }
  std::vector<ComparedResult> results;
  for (std::size_t i = 0; i < runs.size(); i++) {
    const auto result = runs[i]->result();
    if (!result) return tl::unexpected(result.error());
    results.push_back({*result, median_interval(ratios[i])});
  }
  return results;
}

}  // namespace guideway::bench
