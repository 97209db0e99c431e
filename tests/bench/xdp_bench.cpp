// SPDX-License-Identifier: Apache-2.0
// xdp_bench: ns per packet of the XDP program, and of the same with the kernel's LRU hash as flow
// table, without a NIC. Prints one JSON object a row; tools/bench makes a table of them. Needs
// root.
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "command_line.h"
#include "cycles.h"
#include "xdp_run.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

struct Options {
  std::vector<std::uint32_t> flows;
  unsigned cpu = 0;
  bool skip_new = false;
  unsigned swaps_per_s = 0;
  XdpCase base;
};

po::options_description describe(Options& options) {
  po::options_description all("xdp_bench: ns per packet of the XDP program, by BPF_PROG_TEST_RUN");
  XdpCase& base = options.base;
  // clang-format off
  all.add_options()
    ("help", "show this")
    ("flows", po::value(&options.flows)->multitoken()
        ->default_value({1, 1'000, 10'000, 100'000, 1'000'000}, "1 to 1 M"),
        "numbers of flows, one row each")
    ("skip-new", po::bool_switch(&options.skip_new), "no row for new flows")
    ("swaps", po::value(&options.swaps_per_s)->default_value(0),
        "instead: throughput lost at so many table swaps a second")
    ("rounds", po::value(&base.rounds)->default_value(base.rounds), "rounds of a row")
    ("packets", po::value(&base.packets)->default_value(base.packets),
        "timed packets of a program in a round")
    ("backends", po::value(&base.tables.backends)->default_value(base.tables.backends),
        "backends of the pool")
    ("entries", po::value(&base.tables.flow_entries)->default_value(base.tables.flow_entries),
        "entries of either flow table")
    ("cpu", po::value(&options.cpu)->default_value(default_cpu()), "the CPU to run on");
  // clang-format on
  return all;
}

/// Empty, or what is wrong with the options.
std::string problem_of(const Options& options) {
  const XdpCase& base = options.base;
  if (base.tables.flow_entries < 1024 || base.tables.flow_entries > (1U << 26) ||
      base.tables.flow_entries % GW_FLOW_WAYS != 0)
    return "--entries is 1024 to 67108864, a multiple of 8";
  for (const std::uint32_t flows : options.flows)
    if (flows == 0 || flows > base.tables.flow_entries / 4 * 3)
      return "--flows is 1 to three quarters of --entries";
  if (options.swaps_per_s > 1000) return "--swaps is 0 to 1000";
  if (base.rounds == 0) return "--rounds is at least 1";
  if (base.packets < 2 * BENCH_SLICE || base.packets > BENCH_SLICE * BENCH_STAMPS)
    return "--packets is " + std::to_string(2 * BENCH_SLICE) + " to " +
           std::to_string(BENCH_SLICE * BENCH_STAMPS);
  if (base.tables.backends == 0 || base.tables.backends > 4096) return "--backends is 1 to 4096";
  return "";
}

void print(const XdpCase& row, const XdpResult& result, bench_program program, unsigned cpu) {
  const XdpProgramResult& own = result.programs[program];
  nlohmann::ordered_json json = {
      {"bench", "xdp"},
      {"program", program == BENCH_GUIDEWAY ? "guideway" : "lru"},
      {"flows", row.flows},
      {"ns_per_packet", own.ns_per_packet.median},
      {"hits", own.hits},
      {"misses", own.misses},
      {"tx", own.tx},
      {"low", own.ns_per_packet.low},
      {"high", own.ns_per_packet.high},
      {"empty_ns", result.empty_ns},
      {"load_ns", result.load_ns},
      {"repeated", result.repeated},
      {"rounds", row.rounds},
      {"packets", row.packets * row.rounds},
      {"backends", row.tables.backends},
      {"table_entries", row.tables.flow_entries},
      {"cpu", cpu},
  };
  if (row.flows == 0) json["flows"] = "new";
  if (program == BENCH_LRU) {
    json["ratio"] = result.lru_ratio.median;
    json["ratio_low"] = result.lru_ratio.low;
    json["ratio_high"] = result.lru_ratio.high;
  }
  std::cout << json.dump() << std::endl;
}

std::vector<XdpCase> rows_of(const Options& options) {
  std::vector<XdpCase> rows;
  XdpCase row = options.base;
  for (const std::uint32_t flows : options.flows) {
    row.flows = flows;
    rows.push_back(row);
  }
  row.flows = 0;
  if (!options.skip_new) rows.push_back(row);
  return rows;
}

/// One row for each number of flows.
int run_swaps(const Options& options) {
  for (XdpCase row = options.base; const std::uint32_t flows : options.flows) {
    row.flows = flows;
    Result<XdpSwapsResult> result;
    // On a thread of its own, since what it pins stays pinned.
    std::thread([&] { result = run_xdp_swaps(row, options.swaps_per_s); }).join();
    if (!result) {
      std::fprintf(stderr, "xdp_bench: %s\n", result.error().message.c_str());
      return 1;
    }
    const nlohmann::ordered_json json = {
        {"bench", "xdp-swaps"},
        {"flows", flows},
        {"swaps_per_s", result->swaps_per_s},
        {"ns_per_packet", result->still_ns.median},
        {"ns_per_packet_then", result->swapped_ns.median},
        {"throughput_lost", result->lost.median},
        {"low", result->lost.low},
        {"high", result->lost.high},
        {"rounds", row.rounds},
        {"hits", result->hits},
        {"repeated", result->repeated},
    };
    std::cout << json.dump() << std::endl;
  }
  return 0;
}

int run(const Options& options) {
  if (options.swaps_per_s != 0) return run_swaps(options);
  if (!pin_to_cpu(options.cpu)) {
    std::fprintf(stderr, "xdp_bench: CPU %u is not to be had; choose another by --cpu\n",
                 options.cpu);
    return 2;
  }
  for (const XdpCase& row : rows_of(options)) {
    const Result<XdpResult> result = run_xdp_case(row);
    if (!result) {
      std::fprintf(stderr, "xdp_bench: %s\n", result.error().message.c_str());
      return 1;
    }
    for (const bench_program program : {BENCH_GUIDEWAY, BENCH_LRU})
      print(row, *result, program, options.cpu);
  }
  return 0;
}

int main_of(int argc, char** argv) {
  Options options;
  const po::options_description description = describe(options);
  po::variables_map given;
  if (const auto status = read_command_line("xdp_bench", argc, argv, description, given))
    return *status;
  const std::string problem = problem_of(options);
  if (!problem.empty()) {
    std::fprintf(stderr, "xdp_bench: %s\n", problem.c_str());
    return 2;
  }
  return run(options);
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
