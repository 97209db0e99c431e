// SPDX-License-Identifier: Apache-2.0
// scale_bench: what more services, more backends, table swaps and a second worker make of a
// packet's cost, in memory. What is compared takes turns. Prints one JSON object a row.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "command_line.h"
#include "core_run.h"
#include "cycles.h"
#include "timed_workers.h"
#include "undisturbed.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

struct Options {
  std::vector<std::string> what;
  std::vector<std::uint32_t> services;
  std::vector<std::uint32_t> backends;
  unsigned swaps_per_s = 100;
  std::uint64_t flows = 100'000;
  unsigned rounds = 10;
  std::uint64_t packets = 1'000'000;
  unsigned milliseconds = WorkersSpec{}.milliseconds;
};

/// The pool's table in all rows of "backends": ten slots for each of 60,000.
constexpr std::uint32_t kLargeTable = 655'373;

/// Cases of which only one number differs; the first is what the others are compared with.
Result<void> compare(const char* what, const std::vector<CoreCase>& cases,
                     const std::vector<std::uint32_t>& numbers) {
  const auto compared = run_in_turns(cases);
  if (!compared) return tl::unexpected(compared.error());
  for (std::size_t i = 0; i < cases.size(); i++) {
    const auto& [result, ratio] = (*compared)[i];
    const nlohmann::ordered_json json = {
        {"bench", "scale"},
        {"what", what},
        {what, numbers[i]},
        {"flows", cases[i].flows},
        {"cycles_per_packet", result.cycles_per_packet.median},
        {"quiet_cycles_per_packet", result.quiet_cycles_per_packet},
        {"ratio", ratio.median},
        {"low", ratio.low},
        {"high", ratio.high},
        {"rounds", cases[i].rounds},
        {"packets", result.packets},
        {"hits", result.hits},
        {"misses", result.misses},
        {"pages", name_of(result.pages)},
        {"repeated", result.repeated},
    };
    std::cout << json.dump() << std::endl;
  }
  return {};
}

CoreCase base_case(const Options& options) {
  CoreCase base;
  base.flows = options.flows;
  base.rounds = options.rounds;
  base.packets_per_round = options.packets;
  base.table_entries = std::uint64_t{1} << 20;
  return base;
}

Result<void> run_services(const Options& options) {
  std::vector<CoreCase> cases;
  for (const std::uint32_t services : options.services) {
    cases.push_back(base_case(options));
    cases.back().tables.services = services;
  }
  return compare("services", cases, options.services);
}

Result<void> run_backends(const Options& options) {
  std::vector<CoreCase> cases;
  for (const std::uint32_t backends : options.backends) {
    cases.push_back(base_case(options));
    cases.back().tables.backends = backends;
    cases.back().tables.table_size = kLargeTable;
  }
  return compare("backends", cases, options.backends);
}

void print_rates(const char* what, const Options& options, const std::vector<double>& one,
                 const std::vector<double>& other, const Summary& ratio, const char* ratio_name,
                 const WorkersResult& result) {
  nlohmann::ordered_json json = {
      {"bench", "scale"},
      {"what", what},
      {"flows", options.flows},
      {"cycles_per_packet", median(one)},
      {"cycles_per_packet_then", median(other)},
      {ratio_name, ratio.median},
      {"low", ratio.low},
      {"high", ratio.high},
      {"rounds", options.rounds},
      {"packets", result.packets},
      {"hits", result.hits},
      {"misses", result.misses},
      {"pages", name_of(result.pages)},
      {"repeated", result.repeated},
  };
  if (result.swaps_per_s > 0) json["swaps_per_s"] = result.swaps_per_s;
  std::cout << json.dump() << std::endl;
}

Result<std::unique_ptr<TimedWorkers>> workers_for(const Options& options, unsigned count) {
  return TimedWorkers::make({.workers = count,
                             .flows = options.flows,
                             .swaps_per_s = options.swaps_per_s,
                             .milliseconds = options.milliseconds});
}

/// Throughput lost while another CPU builds and publishes generations.
Result<void> run_swaps(const Options& options) {
  auto workers = workers_for(options, 1);
  if (!workers) return tl::unexpected(workers.error());
  std::vector<double> still;
  std::vector<double> swapped;
  std::vector<double> lost;
  for (unsigned round = 0; round < options.rounds; round++) {
    still.push_back((*workers)->measure({0}, Swaps::kNone).front());
    swapped.push_back((*workers)->measure({0}, Swaps::kMany).front());
    lost.push_back(1 - still.back() / swapped.back());
  }
  const auto result = (*workers)->result();
  if (!result) return tl::unexpected(result.error());
  print_rates("swaps", options, still, swapped, median_interval(lost), "throughput_lost", *result);
  return {};
}

/// The packets a second of two workers at once against those of one, which is the mean of either
/// alone: the CPUs need not be equal.
Result<void> run_workers(const Options& options) {
  auto workers = workers_for(options, 2);
  if (!workers) return tl::unexpected(workers.error());
  std::vector<double> alone;
  std::vector<double> together;
  std::vector<double> ratios;
  for (unsigned round = 0; round < options.rounds; round++) {
    const double first = (*workers)->measure({0}, Swaps::kNone).front();
    const double second = (*workers)->measure({1}, Swaps::kNone).front();
    const auto both = (*workers)->measure({0, 1}, Swaps::kNone);
    alone.push_back((first + second) / 2);
    together.push_back((both[0] + both[1]) / 2);
    ratios.push_back((1 / both[0] + 1 / both[1]) / ((1 / first + 1 / second) / 2));
  }
  const auto result = (*workers)->result();
  if (!result) return tl::unexpected(result.error());
  print_rates("workers", options, alone, together, median_interval(ratios), "ratio", *result);
  return {};
}

Result<void> run(const Options& options, const std::string& what) {
  if (what == "services" || what == "backends") {
    if (!pin_to_cpu(default_cpu())) return base::fail("the CPU is not to be had");
    return what == "services" ? run_services(options) : run_backends(options);
  }
  return what == "swaps" ? run_swaps(options) : run_workers(options);
}

po::options_description describe(Options& options) {
  po::options_description all("scale_bench: more services, backends, table swaps and workers");
  // clang-format off
  all.add_options()
    ("help", "show this")
    ("what", po::value(&options.what)->multitoken()
        ->default_value({"services", "backends", "swaps", "workers"}, "all four"),
        "services, backends, swaps, workers")
    ("services", po::value(&options.services)->multitoken()
        ->default_value({1, 16, 1024, 10'000}, "1 16 1024 10000"), "one row each, up to 10000")
    ("backends", po::value(&options.backends)->multitoken()
        ->default_value({10, 1000, 60'000}, "10 1000 60000"), "one row each, up to 60000")
    ("swaps", po::value(&options.swaps_per_s)->default_value(options.swaps_per_s), "a second")
    ("flows", po::value(&options.flows)->default_value(options.flows), "1 to 700000")
    ("rounds", po::value(&options.rounds)->default_value(options.rounds), "of a row")
    ("packets", po::value(&options.packets)->default_value(options.packets),
        "timed packets of a round of services and backends")
    ("milliseconds", po::value(&options.milliseconds)->default_value(options.milliseconds),
        "of a measurement of swaps and workers");
  // clang-format on
  return all;
}

std::string problem_of(const Options& options) {
  for (const std::string& what : options.what)
    if (what != "services" && what != "backends" && what != "swaps" && what != "workers")
      return "--what is services, backends, swaps or workers";
  const auto are_at_most = [](const auto& numbers, std::uint32_t most) {
    return std::ranges::all_of(numbers, [&](auto number) { return number >= 1 && number <= most; });
  };
  if (!are_at_most(options.services, 10'000)) return "--services is 1 to 10000";
  if (!are_at_most(options.backends, 60'000)) return "--backends is 1 to 60000";
  if (options.flows == 0 || options.flows > 700'000) return "--flows is 1 to 700000";
  if (options.rounds == 0 || options.packets == 0) return "--rounds and --packets are at least 1";
  if (options.swaps_per_s == 0 || options.swaps_per_s > 1000) return "--swaps is 1 to 1000";
  if (options.milliseconds < 100) return "--milliseconds is at least 100";
  return "";
}

int main_of(int argc, char** argv) {
  Options options;
  const po::options_description description = describe(options);
  po::variables_map given;
  if (const auto status = read_command_line("scale_bench", argc, argv, description, given))
    return *status;
  if (const std::string problem = problem_of(options); !problem.empty()) {
    std::fprintf(stderr, "scale_bench: %s\n", problem.c_str());
    return 2;
  }
  for (const std::string& what : options.what) {
    Result<void> done;
    // On a thread of its own, since what it pins stays pinned.
    std::thread([&] { done = run(options, what); }).join();
    if (done) continue;
    std::fprintf(stderr, "scale_bench: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main_of(argc, argv); }
