// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: no crash, and either a model that keeps its rules or errors
// that a terminal can show.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "guideway/base/text.h"
#include "guideway/config/config.h"
#include "guideway/model/validate.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// An error's text is escaped already, so to escape it again may change nothing but backslashes.
bool is_one_harmless_line(const std::string& error) {
  std::string without_backslashes;
  for (const char c : error) {
    if (c != '\\') {
      without_backslashes += c;
    }
  }
  return guideway::base::escape_untrusted(without_backslashes) == without_backslashes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto result = guideway::config::parse(text, "fuzz.toml");
  require(result.model.has_value() == result.errors.empty());
  for (const std::string& error : result.errors) {
    require(error.starts_with("fuzz.toml:") && is_one_harmless_line(error));
  }
  if (result.model) {
    require(guideway::model::validate(*result.model).empty());
  }
  return 0;
}
