// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md has a row for each key that the program reads. Which those are, the program
// says itself when it meets an unknown one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "guideway/config/config.h"

namespace guideway::config {
namespace {

using ::testing::HasSubstr;

/// An unknown key in every table of the file.
constexpr const char* kUnknownEverywhere = R"(
x = 1
director = { x = 1 }
capacity = { x = 1 }
admin = { x = 1 }
interface = [{ x = 1 }]
[[pool]]
x = 1
vxlan = { x = 1 }
backends = [{ x = 1 }]
health_check = { x = 1 }
[[service]]
x = 1
[[service]]
forward = [{ x = 1 }]
)";

std::set<std::string> known_keys() {
  const std::regex quoted("\"([a-z_]+)\"");
  std::set<std::string> keys;
  for (const std::string& error : parse(kUnknownEverywhere, "f.toml").errors) {
    const auto start = error.find("known here are ");
    if (start == std::string::npos) {
      continue;
    }
    const std::string list = error.substr(start);
    for (std::sregex_iterator match(list.begin(), list.end(), quoted), end; match != end; ++match) {
      keys.insert((*match)[1]);
    }
  }
  return keys;
}

TEST(ConfigurationReference, HasARowForEachKey) {
  std::ifstream file(GUIDEWAY_SOURCE_ROOT "/docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto keys = known_keys();
  EXPECT_GE(keys.size(), 45u);
  for (const std::string& key : keys) {
    const bool documented = text.find("\n| `" + key + "` |") != std::string::npos ||
                            text.find("\n| `[" + key + "]` |") != std::string::npos ||
                            text.find("\n| `[[" + key + "]]` |") != std::string::npos;
    EXPECT_TRUE(documented) << key;
  }
}

}  // namespace
}  // namespace guideway::config
