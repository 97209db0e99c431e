// SPDX-License-Identifier: Apache-2.0
#include "random_load.h"

#include <time.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace guideway::bench {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::uint64_t kLoads = 100'000;

double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace

Result<RandomLoad> RandomLoad::make(std::size_t bytes, std::uint32_t lines) {
  Result<Pages> pages = Pages::allocate(bytes, PageKind::kSmall);
  if (!pages) return tl::unexpected(pages.error());
  RandomLoad load(std::move(*pages));
  std::vector<std::uint64_t> offsets(bytes / kLine);
  std::iota(offsets.begin(), offsets.end(), 0);
  std::shuffle(offsets.begin(), offsets.end(), std::mt19937_64(1));
  load.lines_ = static_cast<std::uint32_t>(std::min<std::size_t>(lines, offsets.size()));
  auto* words = static_cast<std::uint64_t*>(load.pages_.data());
  for (std::uint32_t i = 0; i < load.lines_; i++)
    words[offsets[i] * kLine / sizeof *words] =
        offsets[(i + 1) % load.lines_] * kLine / sizeof *words;
  load.at_ = offsets[0] * kLine / sizeof *words;
  return load;
}

void RandomLoad::follow(std::uint64_t loads) {
  const auto* words = static_cast<const volatile std::uint64_t*>(pages_.data());
  std::uint64_t at = at_;
  for (std::uint64_t i = 0; i < loads; i++) at = words[at];
  at_ = at;
}

double RandomLoad::sample() {
  follow(std::min<std::uint64_t>(std::uint64_t{4} * lines_, 1'000'000));
  const double start = now_ns();
  follow(kLoads);
  return (now_ns() - start) / static_cast<double>(kLoads);
}

}  // namespace guideway::bench
