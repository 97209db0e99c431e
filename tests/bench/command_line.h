// SPDX-License-Identifier: Apache-2.0
// The command line of a benchmark. Threading: no state.
#ifndef GUIDEWAY_TESTS_BENCH_COMMAND_LINE_H_
#define GUIDEWAY_TESTS_BENCH_COMMAND_LINE_H_

#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

namespace guideway::bench {

/// Fills `given` and the described options. Gives the exit status if the program is to end here.
inline std::optional<int> read_command_line(
    const std::string& program, int argc, char** argv,
    const boost::program_options::options_description& description,
    boost::program_options::variables_map& given) {
  try {
    store(boost::program_options::parse_command_line(argc, argv, description), given);
    notify(given);
  } catch (const boost::program_options::error& error) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), error.what());
    return 2;
  }
  if (given.count("help") == 0) return std::nullopt;
  std::cout << description;
  return 0;
}

}  // namespace guideway::bench

#endif  // GUIDEWAY_TESTS_BENCH_COMMAND_LINE_H_
