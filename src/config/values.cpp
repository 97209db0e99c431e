// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/values.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "guideway/base/text.h"

namespace guideway::config {
namespace {

constexpr std::int64_t kLongestMs = 10'000LL * 3'600'000;

std::int64_t milliseconds_in(std::string_view unit) {
  if (unit == "ms") {
    return 1;
  }
  if (unit == "s") {
    return 1'000;
  }
  if (unit == "m") {
    return 60'000;
  }
  return unit == "h" ? 3'600'000 : 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [unit_start, error] = std::from_chars(text.data(), end, number);
  const std::int64_t unit =
      milliseconds_in({unit_start, static_cast<std::size_t>(end - unit_start)});
  if (error != std::errc{} || unit == 0 || number < 0) {
    return base::fail(base::quoted(text) +
                      " is not a duration: write a whole number and a unit, for example \"250ms\", "
                      "\"10s\", \"5m\" or \"1h\"");
  }
  if (number > kLongestMs / unit) {
    return base::fail(base::quoted(text) + " is too long: allowed are at most 10000h");
  }
  return std::chrono::milliseconds(number * unit);
}

Result<std::chrono::seconds> parse_seconds(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) {
    return tl::unexpected(duration.error());
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*duration);
  if (seconds != *duration) {
    return base::fail(base::quoted(text) +
                      " is not a whole number of seconds: write for example \"" +
                      std::to_string(seconds.count() + 1) + "s\"");
  }
  return seconds;
}

Result<model::HashSeed> parse_hash_seed(std::string_view text) {
  model::HashSeed seed{};
  bool good = text.size() == 2 * seed.size();
  for (std::size_t i = 0; good && i < seed.size(); ++i) {
    const char* start = text.data() + 2 * i;
    const auto [last, error] = std::from_chars(start, start + 2, seed[i], 16);
    good = error == std::errc{} && last == start + 2;
  }
  if (!good) {
    return base::fail(
        "is not a seed: write 32 hexadecimal digits, for example from "
        "\"openssl rand -hex 16\"");
  }
  return seed;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;
  word = word.substr(0, kLongest);
  return *std::min_element(known.begin(), known.end(),
                           [&](const std::string& a, const std::string& b) {
                             return edit_distance(word, a) < edit_distance(word, b);
                           });
}

}  // namespace guideway::config
