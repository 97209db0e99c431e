// SPDX-License-Identifier: Apache-2.0
// flood_bench: what a flood of SYN, of ACK or of UDP, nine packets of ten, does to flows that are
// established: whether one of them is lost or sent elsewhere, and what their packets cost then.
// Prints one JSON object a row.
#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "command_line.h"
#include "core_worker.h"
#include "cycles.h"
#include "random.h"
#include "undisturbed.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

enum Flood { kNoFlood, kSynFlood, kAckFlood, kUdpFlood };
constexpr const char* kNames[] = {"none", "syn", "ack", "udp"};
constexpr Flood kFloods[] = {kSynFlood, kAckFlood, kUdpFlood};
/// Bursts of the flood for each burst of the established flows.
constexpr std::uint32_t kOdds = 9;
constexpr std::uint32_t kBurst = 32;
/// Which burst of ten is measured as the established flows', with a flood and without. Not the
/// first: it would come right after the filling of the ring.
constexpr std::uint32_t kMeasured = 5;
/// Flow numbers of the flood begin where no established flow's does.
constexpr std::uint64_t kFirstOfFlood = std::uint64_t{1} << 32;

struct Options {
  std::vector<std::uint64_t> flows;
  std::uint64_t entries = std::uint64_t{1} << 21;
  unsigned rounds = 10;
  std::uint64_t packets = 1'000'000;
  unsigned cpu = 0;
};

/// Cycles per packet.
struct Sample {
  double established = 0;
  double flood = 0;
};

/// The half of a pair that comes first.
enum class First { kAlone, kFlood };

struct Row {
  std::vector<double> alone;
  std::vector<double> under_flood;
  std::vector<double> flood;
  std::vector<double> lost;  // of throughput, of each pair
};

class FloodRun {
 public:
  static Result<std::unique_ptr<FloodRun>> make(const Options& options, std::uint64_t flows);
  Result<void> run();

 private:
  FloodRun(const Options& options, std::uint64_t flows) : options_(options), flows_(flows) {}
  Result<void> prepare();
  void keep_backends(std::vector<std::uint16_t>& backends);
  Result<void> run_pair(Flood flood, First first);
  Result<Sample> sample(Flood flood);
  Result<void> look_for_lost_flows();
  Sample send_ring(Flood flood);
  void fill(Flood flood);
  void print(Flood flood) const;

  const Options& options_;
  const std::uint64_t flows_;
  std::unique_ptr<FlowTable> table_;
  std::unique_ptr<PacketRing> ring_;
  datapath::TablesPtr tables_;
  std::unique_ptr<CoreWorker> worker_;
  std::vector<std::uint16_t> backends_;  // of each established flow
  Random random_;
  std::uint32_t now_s_ = now_seconds();  // one time for both halves of a pair
  std::uint64_t next_of_flood_ = kFirstOfFlood;
  std::array<Row, 4> rows_;
  std::uint64_t evicted_ = 0;
  std::uint64_t flood_packets_ = 0;
  std::uint64_t remapped_ = 0;
  unsigned repeated_ = 0;
};

Result<std::unique_ptr<FloodRun>> FloodRun::make(const Options& options, std::uint64_t flows) {
  std::unique_ptr<FloodRun> run(new FloodRun(options, flows));
  if (auto done = run->prepare(); !done) return tl::unexpected(done.error());
  return run;
}

/// The flows are established in a generation with all backends; then a third of them leaves, so
/// that a flow whose entry was lost would go elsewhere, most likely.
Result<void> FloodRun::prepare() {
  auto table = FlowTable::make(options_.entries, PageKind::kHuge);
  auto ring = PacketRing::make({});
  if (!table) return tl::unexpected(table.error());
  if (!ring) return tl::unexpected(ring.error());
  table_ = std::make_unique<FlowTable>(std::move(*table));
  ring_ = std::make_unique<PacketRing>(std::move(*ring));

  Generations generations({.protocol = model::Protocol::kTcpUdp});
  const auto before = generations.next();
  if (!before) return tl::unexpected(before.error());
  auto& members = generations.pool().backends;
  members.erase(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(members.size() / 3));
  const auto after = generations.next();
  if (!after) return tl::unexpected(after.error());

  const datapath::TablesPtr old_tables = datapath::tables_of(*before);
  worker_ = std::make_unique<CoreWorker>(*table_, **before);
  worker_->use(*old_tables);
  establish_flows(*worker_, *ring_, 0, flows_);
  keep_backends(backends_);
  tables_ = datapath::tables_of(*after);
  worker_->use(*tables_);
  return {};
}

void FloodRun::keep_backends(std::vector<std::uint16_t>& backends) {
  backends.resize(flows_);
  send_flows(
      *worker_, *ring_, 0, flows_, kAck,
      [&](std::uint64_t flow, const gw_outcome& outcome) { backends[flow] = outcome.backend; },
      now_s_);
}

bool is_measured(std::uint32_t buffer) { return buffer / kBurst % (kOdds + 1) == kMeasured; }

/// One burst of the established flows, nine of the flood, and so on; all of the former without one.
bool is_of_flood(Flood flood, std::uint32_t buffer) {
  return flood != kNoFlood && !is_measured(buffer);
}

void FloodRun::fill(Flood flood) {
  for (std::uint32_t i = 0; i < ring_->size(); i++) {
    if (!is_of_flood(flood, i))
      ring_->fill(i, random_.below(flows_), kAck);
    else if (flood == kUdpFlood)
      ring_->fill_udp(i, next_of_flood_++);
    else
      ring_->fill(i, next_of_flood_++, flood == kSynFlood ? kSyn : kAck);
  }
}

/// Sends the ring, each burst timed. Returns the mean cycles of the packets that are measured as
/// the established flows', and of the others: the flood's, if there is one.
Sample FloodRun::send_ring(Flood flood) {
  std::array<gw_outcome, kMaxBurst> outcomes;
  std::array<std::uint64_t, 2> cycles{};
  std::array<std::uint32_t, 2> packets{};
  for (std::uint32_t at = 0; at < ring_->size(); at += kBurst) {
    const std::uint64_t start = cycles_after_stores();
    worker_->balance(*ring_, at, kBurst, now_s_, outcomes.data());
    const int kind = is_measured(at) ? 0 : 1;
    cycles[kind] += cycles_now() - start;
    packets[kind] += kBurst;
  }
  if (flood != kNoFlood) flood_packets_ += packets[1];
  const auto mean = [&](int kind) { return static_cast<double>(cycles[kind]) / packets[kind]; };
  return {mean(0), mean(1)};
}

/// Errors: an established flow missed, or a packet of the flood hit.
Result<Sample> FloodRun::sample(Flood flood) {
  for (std::uint64_t sent = 0; sent < options_.entries; sent += ring_->size()) {
    fill(flood);
    send_ring(flood);
  }
  const CounterDifference added = since_now(*worker_);
  const std::uint64_t flood_before = flood_packets_;
  std::vector<double> own;
  std::vector<double> others;
  for (std::uint64_t sent = 0; sent < options_.packets; sent += ring_->size()) {
    fill(flood);
    const Sample ring = send_ring(flood);
    own.push_back(ring.established);
    others.push_back(ring.flood);
  }
  evicted_ += added.event(GW_EVENT_FLOW_EVICTED);
  const std::uint64_t hits = added.event(GW_EVENT_FLOW_HIT);
  const std::uint64_t misses = added.event(GW_EVENT_FLOW_MISS);
  const std::uint64_t of_flood = flood_packets_ - flood_before;
  if (added.reason(GW_REASON_FORWARDED) != added.packets() || hits + misses != added.packets() ||
      misses > of_flood || of_flood - misses > of_flood / 5000)
    return base::fail("of " + std::to_string(added.packets()) + " packets, " +
                      std::to_string(of_flood) + " of the flood, " + std::to_string(hits) +
                      " hit the flow table and " + std::to_string(misses) + " missed");
  return Sample{median(own), median(others)};
}

/// Every flow still has its entry, and its backend.
Result<void> FloodRun::look_for_lost_flows() {
  const CounterDifference added = since_now(*worker_);
  std::vector<std::uint16_t> now;
  keep_backends(now);
  for (std::size_t i = 0; i < now.size(); i++) remapped_ += now[i] != backends_[i];
  if (added.event(GW_EVENT_FLOW_MISS) != 0)
    return base::fail(std::to_string(added.event(GW_EVENT_FLOW_MISS)) +
                      " established flows have lost their entry");
  return {};
}

Result<void> FloodRun::run() {
  if (auto found = look_for_lost_flows(); !found) return found;
  // The table is full from here on.
  for (int i = 0; i < 2; i++)
    if (auto filled = sample(kSynFlood); !filled) return tl::unexpected(filled.error());
  for (unsigned round = 0; round < options_.rounds; round++) {
    for (const Flood flood : kFloods)
      if (auto done = run_pair(flood, round % 2 == 0 ? First::kAlone : First::kFlood); !done)
        return done;
  }
  if (evicted_ == 0) return base::fail("the flood evicted nobody: it was none");
  for (const Flood flood : kFloods) print(flood);
  return {};
}

Result<void> FloodRun::run_pair(Flood flood, First first) {
  now_s_ = now_seconds();
  // A flow's first packet of a second writes its entry: all have that behind them.
  send_flows(*worker_, *ring_, 0, flows_, kAck, {}, now_s_);
  Row& row = rows_[flood];
  std::array halves = {kNoFlood, flood};
  if (first == First::kFlood) std::swap(halves[0], halves[1]);
  for (const Flood half : halves) {
    const auto found = undisturbed(repeated_, [&] { return sample(half); });
    if (!found) return tl::unexpected(found.error());
    (half == kNoFlood ? row.alone : row.under_flood).push_back(found->established);
    if (half != kNoFlood) row.flood.push_back(found->flood);
  }
  row.lost.push_back(1 - row.alone.back() / row.under_flood.back());
  return look_for_lost_flows();
}

void FloodRun::print(Flood flood) const {
  const Row& row = rows_[flood];
  const Summary lost = median_interval(row.lost);
  const nlohmann::ordered_json json = {
      {"bench", "flood"},
      {"flood", kNames[flood]},
      {"flows", flows_},
      {"remapped", remapped_},
      {"cycles_alone", median(row.alone)},
      {"cycles_under_flood", median(row.under_flood)},
      {"throughput_lost", lost.median},
      {"low", lost.low},
      {"high", lost.high},
      {"cycles_of_flood", median(row.flood)},
      {"rounds", options_.rounds},
      {"flood_packets", flood_packets_},
      {"evicted", evicted_},
      {"table_entries", options_.entries},
      {"pages", name_of(table_->pages.kind())},
      {"cpu", options_.cpu},
      {"repeated", repeated_},
  };
  std::cout << json.dump() << std::endl;
}

int main_of(int argc, char** argv) {
  Options options;
  po::options_description description("flood_bench: established flows under a flood, in memory");
  // clang-format off
  description.add_options()
    ("help", "show this")
    ("flows", po::value(&options.flows)->multitoken()
        ->default_value({100'000, 1'000'000}, "100000 1000000"), "established flows")
    ("entries", po::value(&options.entries)->default_value(options.entries),
        "of the flow table: a multiple of 8, at least twice the flows")
    ("rounds", po::value(&options.rounds)->default_value(options.rounds), "pairs of a row")
    ("packets", po::value(&options.packets)->default_value(options.packets),
        "timed packets of a sample, nine of ten of the flood")
    ("cpu", po::value(&options.cpu)->default_value(default_cpu()), "the CPU to run on");
  // clang-format on
  po::variables_map given;
  if (const auto status = read_command_line("flood_bench", argc, argv, description, given))
    return *status;
  const bool are_good = std::ranges::all_of(options.flows, [&](std::uint64_t flows) {
    return flows >= 1 && flows <= options.entries / 2;
  });
  if (!are_good || options.entries > (1U << 26) || options.entries % GW_FLOW_WAYS != 0 ||
      options.rounds == 0 || options.packets == 0 || !pin_to_cpu(options.cpu)) {
    std::fprintf(stderr, "flood_bench: see --help for the ranges\n");
    return 2;
  }
  for (const std::uint64_t flows : options.flows) {
    const auto done =
        FloodRun::make(options, flows).and_then([](const auto& run) { return run->run(); });
    if (done) continue;
    std::fprintf(stderr, "flood_bench: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
