// SPDX-License-Identifier: Apache-2.0
#include "core_run.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "guideway/core/port_native.h"
#include "packet_ring.h"
// port_native.h must come before the other core headers.
#include "guideway/core/balance_burst.h"

namespace guideway::bench {
namespace {

static_assert(kMaxBurst == GW_BURST_MAX);

constexpr std::uint64_t kUsualEntries = std::uint64_t{1} << 21;
constexpr std::uint64_t kManyEntries = std::uint64_t{1} << 24;

/// The clock that workers use.
std::uint32_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

/// SplitMix64: a packet's flow must cost the untimed part little.
class Random {
 public:
  std::uint32_t below(std::uint64_t limit) {
    state_ += 0x9e3779b97f4a7c15u;
    return static_cast<std::uint32_t>((gw_spread(state_) >> 32) * limit >> 32);
  }

 private:
  std::uint64_t state_ = 1;
};

std::uint64_t entries_for(const CoreCase& spec) {
  if (spec.table_entries) return *spec.table_entries;
  return spec.flows > kUsualEntries * 3 / 4 ? kManyEntries : kUsualEntries;
}

/// The tables, the ring and the counters of one case.
class CoreRun {
 public:
  CoreRun(const CoreCase& spec, compile::ForwardingStatePtr state, PacketRing ring, Pages buckets);

  CoreResult run();

 private:
  void establish();
  void warm_up();
  double timed_round();
  void fill_ring();
  double process_ring();
  void process_burst(std::uint32_t first, std::uint32_t count, std::uint32_t now_s);

  CoreCase spec_;
  compile::ForwardingStatePtr state_;
  PacketRing ring_;
  Pages buckets_;
  gw_counters counters_{};
  std::vector<gw_traffic> backend_traffic_;
  std::vector<gw_traffic> service_traffic_;
  gw_port port_{};
  Random random_;
  std::uint64_t next_new_flow_ = 0;
  std::vector<double> rings_;  // of all rounds
  CoreResult result_;
};

CoreRun::CoreRun(const CoreCase& spec, compile::ForwardingStatePtr state, PacketRing ring,
                 Pages buckets)
    : spec_(spec),
      state_(std::move(state)),
      ring_(std::move(ring)),
      buckets_(std::move(buckets)),
      backend_traffic_(state_->backends.size()),
      service_traffic_(state_->service_info.size()) {
  port_.state = &state_->header;
  port_.services = state_->services.data();
  port_.pools = state_->pools.data();
  port_.slots = state_->slots.data();
  port_.backends = state_->backends.data();
  port_.buckets = static_cast<gw_flow_bucket*>(buckets_.data());
  port_.buckets_per_shard = static_cast<std::uint32_t>(entries_for(spec_) / GW_FLOW_WAYS);
  port_.shard_count = 1;
  port_.backend_traffic_count = static_cast<std::uint32_t>(backend_traffic_.size());
  port_.service_traffic_count = static_cast<std::uint32_t>(service_traffic_.size());
  port_.counters = &counters_;
  port_.backend_traffic = backend_traffic_.data();
  port_.service_traffic = service_traffic_.data();
}

CoreResult CoreRun::run() {
  if (spec_.traffic == Traffic::kKnownFlows) establish();
  const std::uint64_t interruptions_before = interruptions();
  std::vector<double> rounds;
  for (unsigned i = 0; i < spec_.rounds; i++) {
    warm_up();
    const gw_counters before = counters_;
    rounds.push_back(timed_round());
    const auto added = [&](gw_event event) {
      return counters_.events[event] - before.events[event];
    };
    result_.packets += counters_.packets_in - before.packets_in;
    result_.forwarded +=
        counters_.reasons[GW_REASON_FORWARDED] - before.reasons[GW_REASON_FORWARDED];
    result_.hits += added(GW_EVENT_FLOW_HIT);
    result_.misses += added(GW_EVENT_FLOW_MISS);
    result_.second_bucket += added(GW_EVENT_SECOND_BUCKET);
  }
  result_.cycles_per_packet = summarize(rounds);
  result_.quiet_cycles_per_packet = quantile(rings_, 0.1);
  result_.table_entries = entries_for(spec_);
  result_.pages = buckets_.kind();
  result_.interruptions = interruptions() - interruptions_before;
  return result_;
}

/// Two packets of each flow: the first makes the entry, the second makes it established.
void CoreRun::establish() {
  for (std::uint64_t flow = 0; flow < spec_.flows; flow += ring_.size()) {
    for (const TcpFlags flags : {kSyn, kAck}) {
      for (std::uint32_t i = 0; i < ring_.size(); i++)
        ring_.fill(i, std::min(flow + i, spec_.flows - 1), flags);
      process_ring();
    }
  }
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

/// Median cycles per packet over the rings of a round: a ring takes a tenth of a millisecond, so
/// that an interrupt spoils one and not the round.
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
  const std::uint32_t now_s = now_seconds();
  const std::uint64_t start = cycles_now();
  for (std::uint32_t first = 0; first < ring_.size(); first += spec_.burst)
    process_burst(first, std::min(spec_.burst, ring_.size() - first), now_s);
  return static_cast<double>(cycles_now() - start) / ring_.size();
}

/// What a worker does between receive and transmit.
void CoreRun::process_burst(std::uint32_t first, std::uint32_t count, std::uint32_t now_s) {
  std::array<gw_packet, GW_BURST_MAX> packets;
  std::array<gw_outcome, GW_BURST_MAX> outcomes;
  for (std::uint32_t i = 0; i < count; i++) packets[i] = ring_.view(first + i);
  if (spec_.pipeline == Pipeline::kBurst) {
    gw_balance_burst(&port_, packets.data(), outcomes.data(), count, now_s);
  } else {
    for (std::uint32_t i = 0; i < count; i++) outcomes[i] = gw_balance(&port_, &packets[i], now_s);
  }
  keep(packets.data());
  keep(outcomes.data());
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

Result<CoreResult> run_core_case(const CoreCase& spec) {
  Result<compile::ForwardingStatePtr> state = make_tables(spec.tables);
  if (!state) return tl::unexpected(state.error());
  Result<PacketRing> ring =
      PacketRing::make(spec.ring, spec.tables.family, spec.tables.services, spec.largest_pages);
  if (!ring) return tl::unexpected(ring.error());
  Result<Pages> buckets =
      Pages::allocate(entries_for(spec) * sizeof(std::uint64_t), spec.largest_pages);
  if (!buckets) return tl::unexpected(buckets.error());
  CoreResult result = CoreRun(spec, *state, std::move(*ring), std::move(*buckets)).run();
  const std::string problem = wrong_path(spec, result);
  if (!problem.empty())
    return base::fail("the benchmark measured the wrong path: " + problem + "; please report");
  return result;
}

}  // namespace guideway::bench
