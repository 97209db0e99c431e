// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/values.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "guideway/base/text.h"
#include "guideway/model/limits.h"

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

/// Two digits for each element of `bytes`. REQUIRES: text.size() >= 2 * bytes.size()
template <typename Bytes>
bool read_hex(std::string_view text, Bytes& bytes) {
  bool good = true;
  for (std::size_t i = 0; good && i < bytes.size(); ++i) {
    const char* start = text.data() + 2 * i;
    std::uint8_t byte = 0;
    const auto [last, error] = std::from_chars(start, start + 2, byte, 16);
    good = error == std::errc{} && last == start + 2;
    bytes[i] = static_cast<typename Bytes::value_type>(byte);
  }
  return good;
}

std::optional<std::uint16_t> parse_status(std::string_view text) {
  std::uint16_t status = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, status);
  if (error != std::errc{} || last != end || !model::kHttpStatusRange.contains(status)) {
    return std::nullopt;
  }
  return status;
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
  if (text.size() != 2 * seed.size() || !read_hex(text, seed)) {
    return base::fail(
        "is not a seed: write 32 hexadecimal digits, for example from "
        "\"openssl rand -hex 16\"");
  }
  return seed;
}

Result<model::StatusRange> parse_status_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_status(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_status(text.substr(dash + 1));
  if (!first || !last || *last < *first) {
    return base::fail(base::quoted(text) +
                      " is no HTTP status: write for example \"200\", \"200-399\" or "
                      "\"200,301-302\"; allowed are " +
                      to_string(model::kHttpStatusRange));
  }
  return model::StatusRange{*first, *last};
}

Result<std::string> parse_payload(std::string_view text) {
  constexpr std::string_view kHex = "hex:";
  if (!text.starts_with(kHex)) {
    return std::string(text);
  }
  text.remove_prefix(kHex.size());
  std::string bytes(text.size() / 2, '\0');
  if (text.size() % 2 != 0 || !read_hex(text, bytes)) {
    return base::fail("is not hexadecimal: after \"hex:\" write two digits for each byte");
  }
  return bytes;
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
