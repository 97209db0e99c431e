// SPDX-License-Identifier: Apache-2.0
// memory_bench: what a tracked flow takes of memory, and how many established flows find no room as
// the flow table and the NAT table fill up. Prints one JSON object a row.
#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "command_line.h"
#include "core_worker.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

constexpr double kLoads[] = {0.50, 0.75, 0.80, 0.85, 0.89, 0.95, 1.0};
struct Options {
  std::uint64_t entries = std::uint64_t{1} << 21;
  std::uint32_t nat_sources = GW_NAT_POOL_ADDRESSES;
  unsigned seeds = 20;
};

/// A table at one load, over all seeds.
struct Row {
  double load = 0;
  std::uint64_t places = 0;
  std::uint64_t bytes = 0;
  std::uint64_t flows = 0;
  /// Of each seed.
  std::vector<std::uint64_t> untracked;
};

void print(const char* table, const Row& row) {
  std::uint64_t sum = 0;
  for (const std::uint64_t untracked : row.untracked) sum += untracked;
  const std::uint64_t worst = *std::max_element(row.untracked.begin(), row.untracked.end());
  const auto flows = static_cast<double>(row.flows);
  const double mean = static_cast<double>(sum) / static_cast<double>(row.untracked.size());
  const nlohmann::ordered_json json = {
      {"bench", "memory"},
      {"table", table},
      {"load", row.load},
      {"places", row.places},
      {"bytes", row.bytes},
      {"flows", row.flows},
      {"bytes_per_flow", static_cast<double>(row.bytes) / (flows - static_cast<double>(worst))},
      {"untracked", mean / flows},
      {"untracked_worst", static_cast<double>(worst) / flows},
      {"seeds", row.untracked.size()},
  };
  std::cout << json.dump() << std::endl;
}

std::vector<Row> rows_for(std::uint64_t places, std::uint64_t bytes) {
  std::vector<Row> rows;
  for (const double load : kLoads) {
    const auto flows = static_cast<std::uint64_t>(std::llround(load * static_cast<double>(places)));
    rows.push_back({load, places, bytes, flows, {}});
  }
  return rows;
}

/// Fills a flow table flow by flow; at each load, a packet of every flow so far is sent, and what
/// misses is not tracked. Errors: no memory; not all packets were forwarded.
Result<void> fill_flow_table(const Options& options, std::uint64_t seed, std::vector<Row>& rows) {
  Result<compile::ForwardingStatePtr> state = make_tables({.seed = seed});
  if (!state) return tl::unexpected(state.error());
  Result<PacketRing> ring = PacketRing::make({});
  if (!ring) return tl::unexpected(ring.error());
  Result<FlowTable> table = FlowTable::make(options.entries, PageKind::kHuge);
  if (!table) return tl::unexpected(table.error());
  CoreWorker worker(*table, **state);
  const datapath::TablesPtr tables = datapath::tables_of(*state);
  worker.use(*tables);
  std::uint64_t established = 0;
  for (Row& row : rows) {
    establish_flows(worker, *ring, std::exchange(established, row.flows), row.flows);
    const CounterDifference added = since_now(worker);
    send_flows(worker, *ring, 0, row.flows, kAck);
    if (added.reason(GW_REASON_FORWARDED) != row.flows ||
        added.event(GW_EVENT_FLOW_HIT) + added.event(GW_EVENT_FLOW_MISS) != row.flows)
      return base::fail("not every packet was looked up and forwarded; please report");
    row.untracked.push_back(added.event(GW_EVENT_FLOW_MISS));
  }
  return {};
}

/// The NAT table: as the flow table's, but each flow is answered before it is established.
class NatFill {
 public:
  static Result<void> run(std::uint32_t sources, std::uint64_t seed, std::vector<Row>& rows);

 private:
  NatFill(PacketRing ring, FlowTable flows, const compile::ForwardingStatePtr& state,
          std::uint32_t sources)
      : ring_(std::move(ring)),
        flows_(std::move(flows)),
        tables_(datapath::tables_of(state)),
        buckets_(std::size_t{sources} * GW_NAT_PLANE),
        worker_(flows_, *state) {
    worker_.use(*tables_);
    worker_.use_nat_table(buckets_.data(), static_cast<std::uint32_t>(buckets_.size()));
  }
  Result<void> open(std::uint64_t first, std::uint64_t last);
  std::uint64_t translated(std::uint64_t first, std::uint64_t last, TcpFlags flags);

  PacketRing ring_;
  FlowTable flows_;
  datapath::TablesPtr tables_;
  std::vector<gw_nat_bucket> buckets_;
  CoreWorker worker_;
};

Result<void> NatFill::run(std::uint32_t sources, std::uint64_t seed, std::vector<Row>& rows) {
  const TableSpec spec = {
      .forwarding = model::Forwarding::kNat, .nat_sources = sources, .seed = seed};
  Result<compile::ForwardingStatePtr> state = make_tables(spec);
  if (!state) return tl::unexpected(state.error());
  Result<PacketRing> ring = PacketRing::make({});
  if (!ring) return tl::unexpected(ring.error());
  Result<FlowTable> flows = FlowTable::make(GW_FLOW_WAYS, PageKind::kSmall);
  if (!flows) return tl::unexpected(flows.error());
  NatFill fill(std::move(*ring), std::move(*flows), *state, sources);
  std::uint64_t opened = 0;
  for (Row& row : rows) {
    if (auto done = fill.open(std::exchange(opened, row.flows), row.flows); !done) return done;
    row.untracked.push_back(row.flows - fill.translated(0, row.flows, kAck));
  }
  return {};
}

/// SYN, the backend's answer to those that were translated, and the client's ACK. The ring is one
/// burst after the other: an answer is made of the packet that is in its buffer.
Result<void> NatFill::open(std::uint64_t first, std::uint64_t last) {
  std::array<gw_outcome, 1> outcome{};
  for (std::uint64_t flow = first; flow < last; flow++) {
    ring_.fill(0, flow, kSyn);
    worker_.balance(ring_, 0, 1, now_seconds(), outcome.data());
    if (outcome[0].reason == GW_REASON_NAT_NO_PORT) continue;
    if (outcome[0].reason != GW_REASON_FORWARDED)
      return base::fail("a SYN was not translated; please report");
    ring_.answer(0, kSynAck);
    worker_.balance(ring_, 0, 1, now_seconds(), outcome.data());
    if (outcome[0].reason != GW_REASON_NAT_RETURNED)
      return base::fail("an answer was not returned; please report");
    ring_.fill(0, flow, kAck);
    worker_.balance(ring_, 0, 1, now_seconds(), outcome.data());
    if (outcome[0].reason != GW_REASON_FORWARDED)
      return base::fail("a flow was gone as soon as it was answered; please report");
  }
  return {};
}

/// How many of these flows are translated.
std::uint64_t NatFill::translated(std::uint64_t first, std::uint64_t last, TcpFlags flags) {
  std::uint64_t count = 0;
  send_flows(worker_, ring_, first, last, flags, [&](std::uint64_t, const gw_outcome& outcome) {
    count += outcome.reason == GW_REASON_FORWARDED;
  });
  return count;
}

Result<void> run(const Options& options) {
  std::vector<Row> flow_rows =
      rows_for(options.entries, options.entries / GW_FLOW_WAYS * sizeof(gw_flow_bucket));
  std::vector<Row> nat_rows =
      rows_for(std::uint64_t{options.nat_sources} * GW_NAT_WAYS * GW_NAT_BUCKETS,
               std::uint64_t{options.nat_sources} * GW_NAT_PLANE * sizeof(gw_nat_bucket));
  for (unsigned seed = 1; seed <= options.seeds; seed++) {
    if (auto done = fill_flow_table(options, seed, flow_rows); !done) return done;
    if (auto done = NatFill::run(options.nat_sources, seed, nat_rows); !done) return done;
  }
  for (const Row& row : flow_rows) print("flow", row);
  for (const Row& row : nat_rows) print("nat", row);
  return {};
}

int main_of(int argc, char** argv) {
  Options options;
  po::options_description description("memory_bench: how full the tables get, in memory");
  // clang-format off
  description.add_options()
    ("help", "show this")
    ("entries", po::value(&options.entries)->default_value(options.entries),
        "of the flow table: 1024 to 67108864, a multiple of 8")
    ("nat-sources", po::value(&options.nat_sources)->default_value(options.nat_sources),
        "addresses of the NAT pool: 1 to 8")
    ("seeds", po::value(&options.seeds)->default_value(options.seeds), "hash keys to try");
  // clang-format on
  po::variables_map given;
  if (const auto status = read_command_line("memory_bench", argc, argv, description, given))
    return *status;
  if (options.entries < 1024 || options.entries > (1U << 26) ||
      options.entries % GW_FLOW_WAYS != 0 || options.seeds == 0 || options.nat_sources == 0 ||
      options.nat_sources > GW_NAT_POOL_ADDRESSES) {
    std::fprintf(stderr, "memory_bench: see --help for the ranges\n");
    return 2;
  }
  const Result<void> done = run(options);
  if (!done) std::fprintf(stderr, "memory_bench: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
