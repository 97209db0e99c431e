// SPDX-License-Identifier: Apache-2.0
// maglev_bench: how long building a pool's slot table takes, from backends to slots, on one core
// and with warm caches. Prints one JSON object a row.
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cycles.h"
#include "guideway/compile/maglev.h"
#include "undisturbed.h"

namespace guideway::bench {
namespace {

namespace po = boost::program_options;

struct Row {
  std::uint32_t slots;
  std::uint32_t backends;
  /// Backend i has weight 1 + i % weights.
  std::uint32_t weights;
};

constexpr Row kRows[] = {
    {65537, 1, 1},   {65537, 10, 1},   {65537, 100, 1},   {65537, 1000, 1},    {65537, 1000, 100},
    {655373, 10, 1}, {655373, 100, 1}, {655373, 1000, 1}, {655373, 1000, 100},
};

struct Times {
  double median_ms = 0;
  double p95_ms = 0;
  double least_ms = 0;
  /// Builds that were repeated because the hypervisor took time away.
  unsigned repeated = 0;
};

std::vector<compile::MaglevBackend> make_backends(const Row& row) {
  std::vector<compile::MaglevBackend> backends;
  for (std::uint32_t i = 0; i < row.backends; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8);
    const auto low = static_cast<std::uint8_t>(i);
    backends.push_back({compile::maglev_key(IpAddress::v4({10, 0, high, low}), 0),
                        1 + i % row.weights, static_cast<std::uint16_t>(i)});
  }
  return backends;
}

/// A time means nothing if the work was not done.
bool is_complete(const std::vector<std::uint16_t>& table, const Row& row) {
  const std::set<std::uint16_t> ids(table.begin(), table.end());
  return table.size() == row.slots && ids.size() == row.backends && *ids.rbegin() < row.backends;
}

Result<double> build_ms(const std::vector<compile::MaglevBackend>& backends, const Row& row) {
  const auto start = std::chrono::steady_clock::now();
  const auto table = compile::maglev_table(backends, row.slots);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (!table) return tl::unexpected(table.error());
  if (!is_complete(*table, row)) return base::fail("the table is wrong: run the unit tests");
  return time.count();
}

/// REQUIRES: runs > 0.
Result<Times> measure(const Row& row, unsigned runs) {
  const std::vector<compile::MaglevBackend> backends = make_backends(row);
  Times times;
  std::vector<double> all_ms;
  for (unsigned run = 0; run < runs; ++run) {
    const auto ms = undisturbed(times.repeated, [&] { return build_ms(backends, row); });
    if (!ms) return tl::unexpected(ms.error());
    all_ms.push_back(*ms);
  }
  times.median_ms = median(all_ms);
  times.p95_ms = quantile(all_ms, 0.95);
  times.least_ms = quantile(all_ms, 0);
  return times;
}

std::string name_of_weights(const Row& row) {
  return row.weights == 1 ? "equal" : "1 to " + std::to_string(row.weights);
}

void print(const Row& row, unsigned runs, const Times& times) {
  const nlohmann::ordered_json json = {
      {"bench", "maglev"},
      {"slots", row.slots},
      {"backends", row.backends},
      {"weights", name_of_weights(row)},
      {"runs", runs},
      {"median_ms", times.median_ms},
      {"p95_ms", times.p95_ms},
      {"least_ms", times.least_ms},
      {"repeated", times.repeated},
  };
  std::cout << json.dump() << std::endl;
}

int run(unsigned runs) {
  if (!pin_to_cpu(default_cpu())) {
    std::fprintf(stderr, "maglev_bench: the CPU is not to be had\n");
    return 1;
  }
  for (const Row& row : kRows) {
    const Result<Times> times = measure(row, runs);
    if (!times) {
      std::fprintf(stderr, "maglev_bench: %s\n", times.error().message.c_str());
      return 1;
    }
    print(row, runs, *times);
  }
  return 0;
}

int main(int argc, char** argv) {
  unsigned runs = 50;
  po::options_description options("maglev_bench: time to build a slot table");
  // clang-format off
  options.add_options()
    ("help", "show this")
    ("runs", po::value(&runs)->default_value(runs), "tables to build for a row");
  // clang-format on
  po::variables_map values;
  try {
    po::store(po::parse_command_line(argc, argv, options), values);
    po::notify(values);
  } catch (const po::error& error) {
    std::fprintf(stderr, "maglev_bench: %s; see --help\n", error.what());
    return 2;
  }
  if (values.contains("help")) {
    std::cout << options;
    return 0;
  }
  if (runs == 0) {
    std::fprintf(stderr, "maglev_bench: --runs is at least 1\n");
    return 2;
  }
  return run(runs);
}

}  // namespace
}  // namespace guideway::bench

int main(int argc, char** argv) { return guideway::bench::main(argc, argv); }
