// SPDX-License-Identifier: Apache-2.0
#include "run_loop.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>

namespace guideway::app {

void run_loop(boost::asio::io_context& loop) noexcept {
  try {
    loop.run();
  } catch (const std::exception& error) {
    spdlog::critical("{}: please report this; the next start goes on with what is left",
                     error.what());
    std::abort();
  }
}

}  // namespace guideway::app
