// SPDX-License-Identifier: Apache-2.0
#include "xdp_run.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "packet_ring.h"
#include "random_load.h"
#include "swapper.h"
#include "undisturbed.h"

namespace guideway::bench {
namespace {

/// Untimed packets before a sample: four a flow, but no more than that.
constexpr std::uint64_t kMostWarmUp = 4'000'000;
/// In "new flows only" the table is full from the start; this fills the caches.
constexpr std::uint64_t kWarmUpNew = 500'000;
/// Numbers of new flows begin where no known flow's does.
constexpr std::uint64_t kFirstNewFlow = std::uint64_t{1} << 32;

/// A driver's polls let go of RCU within milliseconds, and so does a test run of so many.
constexpr std::uint64_t kSlicesBesideSwaps = 16;

class XdpRun {
 public:
  XdpRun(const XdpCase& spec, XdpPrograms& programs) : spec_(spec), programs_(programs) {}
  Result<XdpResult> run();
  Result<XdpSwapsResult> run_swaps(unsigned swaps_per_s);

 private:
  bool known() const { return spec_.flows != 0; }
  Result<void> fill_table(bench_program program);
  Result<void> send(bench_program program, std::uint64_t count);
  Result<double> sample(bench_program program, double (*what)(std::vector<double>) = median);
  Result<std::array<double, BENCH_PROGRAMS>> round();
  Result<double> undisturbed_mean(bench_program program);
  Result<void> count(bench_program program, const gw_counters& before);

  const XdpCase spec_;
  XdpPrograms& programs_;
  std::array<std::uint64_t, BENCH_PROGRAMS> next_new_flow_{kFirstNewFlow, kFirstNewFlow,
                                                           kFirstNewFlow};
  std::uint64_t slices_at_once_ = BENCH_STAMPS;
  XdpResult result_;
};

Result<XdpResult> XdpRun::run() {
  for (const bench_program program : {BENCH_GUIDEWAY, BENCH_LRU})
    if (auto filled = fill_table(program); !filled) return tl::unexpected(filled.error());
  const std::size_t table_bytes = std::size_t{spec_.tables.flow_entries} * sizeof(std::uint64_t);
  const std::uint32_t buckets = spec_.tables.flow_entries / GW_FLOW_WAYS;
  Result<RandomLoad> load = RandomLoad::make(table_bytes, known() ? spec_.flows : buckets);
  if (!load) return tl::unexpected(load.error());
  std::vector<double> loads;
  std::vector<double> empty;
  std::vector<double> ratios;
  std::array<std::vector<double>, BENCH_PROGRAMS> net;
  for (unsigned i = 0; i < spec_.rounds; i++) {
    const auto times = undisturbed(result_.repeated, [this] { return round(); });
    if (!times) return tl::unexpected(times.error());
    loads.push_back(load->sample());
    empty.push_back((*times)[BENCH_EMPTY]);
    for (const bench_program program : {BENCH_GUIDEWAY, BENCH_LRU})
      net[program].push_back((*times)[program] - empty.back());
    ratios.push_back(net[BENCH_LRU].back() / net[BENCH_GUIDEWAY].back());
  }
  result_.empty_ns = median(empty);
  result_.load_ns = median(loads);
  for (const bench_program program : {BENCH_GUIDEWAY, BENCH_LRU})
    result_.programs[program].ns_per_packet = median_interval(net[program]);
  result_.lru_ratio = median_interval(ratios);
  return result_;
}

/// ns per packet of each program, one after the other.
Result<std::array<double, BENCH_PROGRAMS>> XdpRun::round() {
  std::array<double, BENCH_PROGRAMS> times{};
  for (const bench_program program : {BENCH_EMPTY, BENCH_GUIDEWAY, BENCH_LRU}) {
    const Result<double> ns = sample(program);
    if (!ns) return tl::unexpected(ns.error());
    times[program] = *ns;
  }
  return times;
}

double mean(std::vector<double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// ns per packet. The mean, since what a swap costs is in a few slices.
Result<double> XdpRun::undisturbed_mean(bench_program program) {
  return undisturbed(result_.repeated, [&] { return sample(program, mean); });
}

Result<XdpSwapsResult> XdpRun::run_swaps(unsigned swaps_per_s) {
  const std::vector<unsigned> cpus = highest_cpus(2);
  if (cpus.size() < 2) return base::fail("this needs two CPUs");
  if (!pin_to_cpu(cpus[0])) return base::fail("the CPU is not to be had");
  if (auto filled = fill_table(BENCH_GUIDEWAY); !filled) return tl::unexpected(filled.error());
  slices_at_once_ = kSlicesBesideSwaps;
  Swapper swapper(programs_.generations(), swaps_per_s, cpus[1],
                  [this](const auto& state) { return programs_.swap(state); });
  XdpSwapsResult result;
  std::vector<double> still;
  std::vector<double> swapped;
  std::vector<double> lost;
  for (unsigned i = 0; i < spec_.rounds; i++) {
    const auto empty = undisturbed_mean(BENCH_EMPTY);
    const auto without = undisturbed_mean(BENCH_GUIDEWAY);
    swapper.start();
    const auto with = undisturbed_mean(BENCH_GUIDEWAY);
    swapper.stop();
    for (const auto& each : {empty, without, with})
      if (!each) return tl::unexpected(each.error());
    still.push_back(*without - *empty);
    swapped.push_back(*with - *empty);
    lost.push_back(1 - still.back() / swapped.back());
  }
  const auto swaps = swapper.swaps_per_s();
  if (!swaps) return tl::unexpected(swaps.error());
  result.still_ns = median_interval(still);
  result.swapped_ns = median_interval(swapped);
  result.lost = median_interval(lost);
  result.swaps_per_s = *swaps;
  result.hits = result_.programs[BENCH_GUIDEWAY].hits;
  result.repeated = result_.repeated;
  return result;
}

/// Two packets of each flow: the first makes the entry, the second makes it established. Or, for
/// new flows only, as many as fill the table twice.
Result<void> XdpRun::fill_table(bench_program program) {
  if (!known()) return send(program, 2 * std::uint64_t{spec_.tables.flow_entries});
  for (const TcpFlags flags : {kSyn, kAck}) {
    if (auto done = programs_.run({.program = program, .count = spec_.flows, .tcp_flags = flags});
        !done)
      return done;
  }
  return {};
}

Result<void> XdpRun::send(bench_program program, std::uint64_t count) {
  if (known())
    return programs_.run({.program = program,
                          .count = count,
                          .flows = spec_.flows,
                          .tcp_flags = kAck,
                          .slices_at_once = slices_at_once_});
  const std::uint64_t first =
      std::exchange(next_new_flow_[program], next_new_flow_[program] + count);
  return programs_.run({.program = program, .count = count, .first = first, .tcp_flags = kSyn});
}

/// ns per packet, the feeder's included: mostly the median over slices of a fraction of a
/// millisecond, so that an interrupt spoils one and not the sample.
Result<double> XdpRun::sample(bench_program program, double (*what)(std::vector<double>)) {
  const std::uint64_t warm_up =
      known() ? std::clamp<std::uint64_t>(std::uint64_t{4} * spec_.flows, 10'000, kMostWarmUp)
              : kWarmUpNew;
  if (auto warm = send(program, program == BENCH_EMPTY ? 10'000 : warm_up); !warm)
    return tl::unexpected(warm.error());
  const gw_counters before = programs_.counters();
  if (auto timed = send(program, spec_.packets); !timed) return tl::unexpected(timed.error());
  const std::vector<double> slices = programs_.slices();
  if (slices.empty()) return base::fail("too few packets in a round for a measurement");
  if (program != BENCH_EMPTY)
    if (auto counted = count(program, before); !counted) return tl::unexpected(counted.error());
  return what(slices);
}

/// Adds up what the sample's packets met. Errors: it is not what was to be measured.
Result<void> XdpRun::count(bench_program program, const gw_counters& before) {
  const gw_counters now = programs_.counters();
  const auto events = [&](gw_event event) { return now.events[event] - before.events[event]; };
  const std::uint64_t hits = events(GW_EVENT_FLOW_HIT);
  const std::uint64_t misses = events(GW_EVENT_FLOW_MISS);
  const std::uint64_t tx = now.reasons[GW_REASON_FORWARDED] - before.reasons[GW_REASON_FORWARDED];
  XdpProgramResult& sum = result_.programs[program];
  sum.hits += hits;
  sum.misses += misses;
  sum.tx += tx;
  const std::string figures = std::to_string(spec_.packets) + " packets: " + std::to_string(hits) +
                              " hits, " + std::to_string(misses) + " misses, " +
                              std::to_string(tx) + " sent";
  // Beyond its first bucket's room a flow may go untracked (0.008 % at 75 % load).
  const std::uint64_t unwanted = known() ? misses : hits;
  if (tx != spec_.packets || hits + misses != spec_.packets || unwanted > spec_.packets / 5000)
    return base::fail("the benchmark measured the wrong path: of " + figures + "; please report");
  return {};
}

}  // namespace

Result<XdpSwapsResult> run_xdp_swaps(const XdpCase& spec, unsigned swaps_per_s) {
  Result<std::unique_ptr<XdpPrograms>> programs = XdpPrograms::load(spec.tables);
  if (!programs) return tl::unexpected(programs.error());
  return XdpRun(spec, **programs).run_swaps(swaps_per_s);
}

Result<XdpResult> run_xdp_case(const XdpCase& spec) {
  Result<std::unique_ptr<XdpPrograms>> programs = XdpPrograms::load(spec.tables);
  if (!programs) return tl::unexpected(programs.error());
  return XdpRun(spec, **programs).run();
}

}  // namespace guideway::bench
