// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "build.h"

#include <exception>

#include "guideway/model/restart.h"

namespace guideway::control {
namespace {

/// An exception is our own fault or want of memory; it costs this change, not the daemon.
template <typename F>
void guarded(Build& build, const F& work) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    work();
  } catch (const std::exception& error) {
    build.output.reset();
    build.errors.push_back("change " + build.change_id + " could not be worked out (" +
                           error.what() + "): please report this, with the configuration");
  }
  build.took += std::chrono::steady_clock::now() - begin;
}

}  // namespace

void load_file(Build& build, const LoadModel& load) {
  guarded(build, [&] {
    auto loaded = load();
    if (!loaded) {
      build.errors = std::move(loaded.error());
      return;
    }
    for (const std::string& key : model::restart_keys_changed(build.input.model, *loaded))
      build.errors.push_back(key + ": a change of this needs a restart; nothing was applied");
    if (build.errors.empty()) build.input.model = std::move(*loaded);
  });
}

void compile_input(Build& build) {
  guarded(build, [&] {
    auto output = compile::compile(build.input);
    if (output)
      build.output = std::move(*output);
    else
      build.errors.push_back(output.error().message);
  });
}

}  // namespace guideway::control
