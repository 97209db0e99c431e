// SPDX-License-Identifier: Apache-2.0
// core_bench: cycles per packet of the packet path in memory, without a NIC. Prints one JSON object
// a row; tools/bench makes a table of them. docs/benchmarks/ has the method and the figures.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "core_run.h"
#include "cycles.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

struct Options {
  std::vector<unsigned> families;
  std::vector<std::uint64_t> flows;
  std::string forwarding;
  std::string pages;
  unsigned cpu = 0;
  bool skip_new = false;
  CoreCase base;
};

po::options_description describe(Options& options) {
  po::options_description all("core_bench: cycles per packet of the packet path, in memory");
  CoreCase& base = options.base;
  // clang-format off
  all.add_options()
    ("help", "show this")
    ("family", po::value(&options.families)->multitoken()
        ->default_value({4, 6}, "4 6"), "4, 6 or both")
    ("flows", po::value(&options.flows)->multitoken()
        ->default_value({1, 1'000, 10'000, 100'000, 1'000'000, 10'000'000}, "1 to 10 M"),
        "numbers of flows, one row each")
    ("skip-new", po::bool_switch(&options.skip_new), "no row for new flows")
    ("forwarding", po::value(&options.forwarding)->default_value("ipip"), "l2dsr, ipip or vxlan")
    ("sequential", "gw_balance() for one packet after another, the plain twin")
    ("burst", po::value(&base.burst)->default_value(base.burst), "packets in a burst, up to 64")
    ("ring", po::value(&base.ring)->default_value(base.ring), "packet buffers")
    ("rounds", po::value(&base.rounds)->default_value(base.rounds), "rounds of a row")
    ("packets", po::value(&base.packets_per_round)->default_value(base.packets_per_round),
        "timed packets of a round")
    ("backends", po::value(&base.tables.backends)->default_value(base.tables.backends),
        "backends of the pool")
    ("services", po::value(&base.tables.services)->default_value(base.tables.services),
        "services that share it")
    ("pages", po::value(&options.pages)->default_value("huge"),
        "largest pages to use: huge, transparent or small")
    ("cpu", po::value(&options.cpu)->default_value(default_cpu()), "the CPU to run on");
  // clang-format on
  return all;
}

/// Empty, or what is wrong with the options.
std::string complete(Options& options, bool sequential) {
  CoreCase& base = options.base;
  for (const unsigned family : options.families)
    if (family != 4 && family != 6) return "--family is 4 or 6";
  std::ranges::sort(options.families);  // IPv6 is compared with IPv4
  for (const std::uint64_t flows : options.flows)
    if (flows == 0 || flows > 15'000'000) return "--flows is 1 to 15000000";
  if (base.burst == 0 || base.burst > kMaxBurst)
    return "--burst is 1 to " + std::to_string(kMaxBurst);
  if (base.ring < base.burst || base.ring > 1'000'000) return "--ring is --burst to 1000000";
  if (base.rounds == 0) return "--rounds is at least 1";
  if (base.tables.backends == 0 || base.tables.backends > 4096) return "--backends is 1 to 4096";
  if (base.tables.services == 0 || base.tables.services > 1024) return "--services is 1 to 1024";
  if (sequential) base.pipeline = Pipeline::kSequential;

  if (options.forwarding == "l2dsr")
    base.tables.forwarding = model::Forwarding::kL2Dsr;
  else if (options.forwarding == "ipip")
    base.tables.forwarding = model::Forwarding::kIpip;
  else if (options.forwarding == "vxlan")
    base.tables.forwarding = model::Forwarding::kVxlan;
  else
    return "--forwarding is l2dsr, ipip or vxlan";

  if (options.pages == "huge")
    base.largest_pages = PageKind::kHuge;
  else if (options.pages == "transparent")
    base.largest_pages = PageKind::kTransparent;
  else if (options.pages == "small")
    base.largest_pages = PageKind::kSmall;
  else
    return "--pages is huge, transparent or small";
  return "";
}

void print(const Options& options, const CoreCase& row, const ComparedResult& compared) {
  const auto& [result, ratio] = compared;
  const bool known = row.traffic == Traffic::kKnownFlows;
  nlohmann::ordered_json json = {
      {"bench", "core"},
      {"family", row.tables.family == Family::kIpv4 ? 4 : 6},
      {"flows", known ? row.flows : 0},
      {"traffic", known ? "known" : "new"},
      {"cycles_per_packet", result.cycles_per_packet.median},
      {"quiet_cycles_per_packet", result.quiet_cycles_per_packet},
      {"low", result.cycles_per_packet.low},
      {"high", result.cycles_per_packet.high},
      {"rounds", row.rounds},
      {"packets", result.packets},
      {"hits", result.hits},
      {"misses", result.misses},
      {"forwarded", result.forwarded},
      {"second_bucket", result.second_bucket},
      {"forwarding", options.forwarding},
      {"pipeline", row.pipeline == Pipeline::kBurst ? "burst" : "sequential"},
      {"burst", row.burst},
      {"ring", row.ring},
      {"backends", row.tables.backends},
      {"services", row.tables.services},
      {"table_entries", result.table_entries},
      {"pages", name_of(result.pages)},
      {"cpu", options.cpu},
      {"interruptions", result.interruptions},
      {"repeated", result.repeated},
  };
  if (row.tables.family == Family::kIpv6 && options.families.front() == 4) {
    json["ratio"] = ratio.median;
    json["ratio_low"] = ratio.low;
    json["ratio_high"] = ratio.high;
  }
  std::cout << json.dump() << std::endl;
}

/// The rows of either family, in the order of the table.
std::vector<CoreCase> rows_of(const Options& options) {
  std::vector<CoreCase> rows;
  CoreCase row = options.base;
  for (const std::uint64_t flows : options.flows) {
    row.flows = flows;
    rows.push_back(row);
  }
  row.flows = 0;
  row.traffic = Traffic::kNewFlows;
  if (!options.skip_new) rows.push_back(row);
  return rows;
}

/// A row for each family, measured in turns.
Result<void> run_row(const Options& options, const CoreCase& row) {
  std::vector<CoreCase> cases;
  for (const unsigned family : options.families) {
    cases.push_back(row);
    cases.back().tables.family = family == 4 ? Family::kIpv4 : Family::kIpv6;
  }
  const auto compared = run_in_turns(cases);
  if (!compared) return tl::unexpected(compared.error());
  for (std::size_t i = 0; i < cases.size(); i++) print(options, cases[i], (*compared)[i]);
  return {};
}

int run(const Options& options) {
  if (!pin_to_cpu(options.cpu)) {
    std::fprintf(stderr, "core_bench: CPU %u is not to be had; choose another by --cpu\n",
                 options.cpu);
    return 2;
  }
  for (const CoreCase& row : rows_of(options)) {
    if (const auto done = run_row(options, row); !done) {
      std::fprintf(stderr, "core_bench: %s\n", done.error().message.c_str());
      return 1;
    }
  }
  return 0;
}

int main_of(int argc, char** argv) {
  Options options;
  const po::options_description description = describe(options);
  po::variables_map given;
  if (const auto status = read_command_line("core_bench", argc, argv, description, given))
    return *status;
  const std::string problem = complete(options, given.count("sequential") != 0);
  if (!problem.empty()) {
    std::fprintf(stderr, "core_bench: %s\n", problem.c_str());
    return 2;
  }
  return run(options);
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
