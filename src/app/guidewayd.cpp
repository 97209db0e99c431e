// SPDX-License-Identifier: Apache-2.0
// guidewayd: the daemon. Exit codes: 0 done, 1 fault, 2 usage or bad configuration.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "signals.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>

#include "director.h"
#include "guideway/base/logging.h"
#include "guideway/base/version.h"
#include "guideway/config/config.h"
#include "options.h"

namespace {

using guideway::app::Options;

constexpr int kFault = 1;
constexpr int kUsage = 2;

int check_only(const guideway::config::LoadResult& loaded, const std::string& file) {
  if (!loaded.model) return kUsage;
  for (const auto& note : loaded.notes) std::fprintf(stderr, "%s\n", note.c_str());
  std::printf("%s: good: %zu interfaces, %zu pools, %zu services\n", file.c_str(),
              loaded.model->interfaces.size(), loaded.model->pools.size(),
              loaded.model->services.size());
  return 0;
}

int run_daemon(const guideway::config::LoadResult& file, const Options& options) {
  guideway::base::set_up_logging(options.verbose ? spdlog::level::debug : spdlog::level::info);
  const auto ran = guideway::app::run(file, options.config_file);
  if (ran) return 0;
  spdlog::critical("{}", ran.error().message);
  return kFault;
}

int detach(const guideway::model::Model& model, const Options& options) {
  guideway::base::set_up_logging(options.verbose ? spdlog::level::debug : spdlog::level::info);
  const auto detached = guideway::app::detach(model);
  if (detached) return 0;
  spdlog::critical("{}", detached.error().message);
  return kFault;
}

int act(const Options& options) {
  if (options.action != Options::Action::kRun) guideway::app::let_signals_through();
  if (options.action == Options::Action::kHelp) {
    std::fputs(guideway::app::help_text().c_str(), stdout);
    return 0;
  }
  if (options.action == Options::Action::kVersion) {
    std::printf("guidewayd %s\n", guideway::base::kVersion);
    return 0;
  }
  const auto loaded = guideway::config::load_file(options.config_file);
  for (const auto& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (options.action == Options::Action::kCheck) return check_only(loaded, options.config_file);
  if (!loaded.model) return kUsage;
  if (options.action == Options::Action::kDetach) return detach(*loaded.model, options);
  return run_daemon(loaded, options);
}

}  // namespace

int main(int argc, char** argv) try {
  guideway::app::hold_signals();
  const auto options = guideway::app::parse_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "guidewayd: %s\n", options.error().message.c_str());
    return kUsage;
  }
  return act(*options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "guidewayd: %s\n", error.what());
  return kFault;
}
