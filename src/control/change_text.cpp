// SPDX-License-Identifier: Apache-2.0
#include "change_text.h"

#include <spdlog/fmt/fmt.h>

#include <random>

namespace guideway::control {

std::string make_change_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random());
}

std::string revision_conflict(std::uint64_t wanted, std::uint64_t running) {
  return fmt::format(
      "revision {} was expected, but {} is running: somebody else has changed something; look at "
      "it and try again",
      wanted, running);
}

}  // namespace guideway::control
