// SPDX-License-Identifier: Apache-2.0
// disruption_bench: who has to move when one backend leaves: slots, flows that no table knows, and
// tracked flows; and how evenly the backends are loaded before. Prints one JSON object a row.
#include <algorithm>
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
#include "random.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

struct Options {
  std::vector<std::uint32_t> backends;
  std::uint64_t flows = 1'000'000;
  unsigned seeds = 20;
};

/// Shares of 1, of one seed.
struct Moved {
  double slots = 0;
  double untracked = 0;
  double tracked = 0;
  /// Flows of each backend before, ordered, as parts of their mean.
  std::vector<double> load;
};

/// A pool before and after one of its backends has left, and flows that live through it.
class Change {
 public:
  static Result<Moved> of(std::uint32_t backends, std::uint64_t flows, std::uint64_t seed);

 private:
  using Chosen = std::vector<std::uint16_t>;  // index: flow

  Change(FlowTable flows, PacketRing ring, const compile::ForwardingState& sizes)
      : flows_(std::move(flows)), ring_(std::move(ring)), worker_(flows_, sizes) {}
  Result<Chosen> send(std::uint64_t flows, TcpFlags flags);

  FlowTable flows_;
  PacketRing ring_;
  CoreWorker worker_;
};

/// Errors: a packet was not forwarded.
Result<Change::Chosen> Change::send(std::uint64_t flows, TcpFlags flags) {
  Chosen chosen(flows);
  const CounterDifference added = since_now(worker_);
  send_flows(worker_, ring_, 0, flows, flags, [&](std::uint64_t flow, const gw_outcome& outcome) {
    chosen[flow] = outcome.backend;
  });
  if (added.reason(GW_REASON_FORWARDED) != flows)
    return base::fail("not every packet was forwarded; please report");
  return chosen;
}

double share_of_different(const std::vector<std::uint16_t>& before,
                          const std::vector<std::uint16_t>& after) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < before.size(); i++) different += before[i] != after[i];
  return static_cast<double>(different) / static_cast<double>(before.size());
}

std::vector<std::uint16_t> slots_of_pool(const compile::ForwardingState& state) {
  const gw_pool& pool = state.pools[0];
  const auto first = state.slots.begin() + pool.slot_base;
  return {first, first + pool.slot_count};
}

std::vector<double> load_of(const std::vector<std::uint16_t>& chosen, std::uint32_t backends) {
  std::vector<double> load(backends);
  const double part = static_cast<double>(backends) / static_cast<double>(chosen.size());
  for (const std::uint16_t backend : chosen)
    if (backend < backends) load[backend] += part;
  std::sort(load.begin(), load.end());
  return load;
}

/// Each flow is sent on before and after, once in a table that knows it, once in one that knows
/// none.
Result<Moved> Change::of(std::uint32_t backends, std::uint64_t flows, std::uint64_t seed) {
  Generations generations({.backends = backends, .seed = seed});
  const auto before = generations.next();
  if (!before) return tl::unexpected(before.error());
  auto& members = generations.pool().backends;
  members.erase(members.begin() + Random(seed).below(members.size()));
  const auto after = generations.next();
  if (!after) return tl::unexpected(after.error());

  auto table = FlowTable::make(std::max<std::uint64_t>(2 * flows / 8 * 8, 1024), PageKind::kHuge);
  if (!table) return tl::unexpected(table.error());
  auto ring = PacketRing::make({});
  if (!ring) return tl::unexpected(ring.error());
  Change change(std::move(*table), std::move(*ring), **before);
  const datapath::TablesPtr old_tables = datapath::tables_of(*before);
  const datapath::TablesPtr new_tables = datapath::tables_of(*after);

  change.worker_.use(*old_tables);
  const auto opened = change.send(flows, kSyn);
  const auto held = change.send(flows, kAck);
  change.worker_.use(*new_tables);
  const auto kept = change.send(flows, kAck);
  change.flows_.clear();
  const auto anew = change.send(flows, kSyn);
  for (const auto* sent : {&opened, &held, &kept, &anew})
    if (!*sent) return tl::unexpected(sent->error());
  if (*opened != *held) return base::fail("a flow moved without a reason; please report");
  return Moved{share_of_different(slots_of_pool(**before), slots_of_pool(**after)),
               share_of_different(*opened, *anew), share_of_different(*held, *kept),
               load_of(*opened, backends)};
}

nlohmann::ordered_json summary_of(const std::vector<Moved>& all, double Moved::*which) {
  double sum = 0;
  double worst = 0;
  for (const Moved& moved : all) {
    sum += moved.*which;
    worst = std::max(worst, moved.*which);
  }
  return {{"mean", sum / static_cast<double>(all.size())}, {"worst", worst}};
}

void print(std::uint32_t backends, std::uint64_t flows, const std::vector<Moved>& all) {
  double least = all.front().load.front();
  double most = all.front().load.back();
  for (const Moved& moved : all) {
    least = std::min(least, moved.load.front());
    most = std::max(most, moved.load.back());
  }
  const nlohmann::ordered_json json = {
      {"bench", "disruption"},
      {"backends", backends},
      {"its_share", 1.0 / backends},
      {"slots_moved", summary_of(all, &Moved::slots)},
      {"untracked_moved", summary_of(all, &Moved::untracked)},
      {"tracked_moved", summary_of(all, &Moved::tracked)},
      {"flows", flows},
      {"seeds", all.size()},
      {"load_least", least},
      {"load_most", most},
      {"load", all.front().load},
  };
  std::cout << json.dump() << std::endl;
}

int run(const Options& options) {
  for (const std::uint32_t backends : options.backends) {
    std::vector<Moved> all;
    for (unsigned seed = 1; seed <= options.seeds; seed++) {
      Result<Moved> moved = Change::of(backends, options.flows, seed);
      if (!moved) {
        std::fprintf(stderr, "disruption_bench: %s\n", moved.error().message.c_str());
        return 1;
      }
      all.push_back(std::move(*moved));
    }
    print(backends, options.flows, all);
  }
  return 0;
}

int main_of(int argc, char** argv) {
  Options options;
  po::options_description description("disruption_bench: what moves when a backend leaves");
  // clang-format off
  description.add_options()
    ("help", "show this")
    ("backends", po::value(&options.backends)->multitoken()
        ->default_value({10, 100, 1000}, "10 100 1000"), "of the pool, one row each: 2 to 4096")
    ("flows", po::value(&options.flows)->default_value(options.flows), "1000 to 10000000")
    ("seeds", po::value(&options.seeds)->default_value(options.seeds),
        "hash keys, each with a backend of its own that leaves");
  // clang-format on
  po::variables_map given;
  if (const auto status = read_command_line("disruption_bench", argc, argv, description, given))
    return *status;
  const bool are_good = std::ranges::all_of(
      options.backends, [](std::uint32_t backends) { return backends >= 2 && backends <= 4096; });
  if (!are_good || options.flows < 1000 || options.flows > 10'000'000 || options.seeds == 0) {
    std::fprintf(stderr, "disruption_bench: see --help for the ranges\n");
    return 2;
  }
  return run(options);
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
