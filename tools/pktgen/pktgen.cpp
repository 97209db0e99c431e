// SPDX-License-Identifier: Apache-2.0
// guideway-pktgen: packets to a load balancer, and a look at what it makes of them. Exit codes: 0
// all was good, 1 it was not, 2 it could not be run.
#include <cstdio>
#include <exception>

#include "guideway/base/logging.h"
#include "guideway/base/version.h"
#include "options.h"
#include "run.h"

namespace {

using guideway::pktgen::Options;

constexpr int kBad = 1;
constexpr int kNotRun = 2;

int act(const Options& options) {
  if (options.action == Options::Action::kHelp) {
    std::fputs(guideway::pktgen::help_text().c_str(), stdout);
    return 0;
  }
  if (options.action == Options::Action::kVersion) {
    std::printf("guideway-pktgen %s\n", guideway::base::kVersion);
    return 0;
  }
  guideway::base::set_up_logging(spdlog::level::warn, guideway::base::LogFormat::kText);
  const auto good = guideway::pktgen::run(options);
  if (good) return *good ? 0 : kBad;
  std::fprintf(stderr, "guideway-pktgen: %s\n", good.error().message.c_str());
  return kNotRun;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto options = guideway::pktgen::parse_options(argc, argv);
  if (options) return act(*options);
  std::fprintf(stderr, "guideway-pktgen: %s\n", options.error().message.c_str());
  return kNotRun;
} catch (const std::exception& error) {
  std::fprintf(stderr, "guideway-pktgen: %s\n", error.what());
  return kNotRun;
}
