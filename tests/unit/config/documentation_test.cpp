// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md has a row for each key that the program reads. Which those are, the program
// says itself when it meets an unknown one.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "guideway/config/config.h"

namespace guideway::config {
namespace {

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
gre = { x = 1 }
gue = { x = 1 }
backends = [{ x = 1 }]
health_check = { x = 1 }
[[service]]
x = 1
[[service]]
forward = [{ x = 1 }]
)";

/// The words in double quotes after "known here are ".
void add_known_keys(const std::string& error, std::set<std::string>& keys) {
  const auto list = error.find("known here are ");
  auto open = list == std::string::npos ? list : error.find('"', list);
  while (open != std::string::npos) {
    const auto close = error.find('"', open + 1);
    ASSERT_NE(close, std::string::npos) << error;
    keys.insert(error.substr(open + 1, close - open - 1));
    open = error.find('"', close + 1);
  }
}

std::set<std::string> known_keys() {
  std::set<std::string> keys;
  for (const std::string& error : parse(kUnknownEverywhere, "f.toml").errors) {
    add_known_keys(error, keys);
  }
  return keys;
}

TEST(ConfigurationReference, HasARowForEachKey) {
  std::ifstream file(GUIDEWAY_SOURCE_ROOT "/docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto keys = known_keys();
  EXPECT_GE(keys.size(), 62u);
  for (const std::string& key : keys) {
    const bool documented = text.find("\n| `" + key + "` |") != std::string::npos ||
                            text.find("\n| `[" + key + "]` |") != std::string::npos ||
                            text.find("\n| `[[" + key + "]]` |") != std::string::npos;
    EXPECT_TRUE(documented) << key;
  }
}

}  // namespace
}  // namespace guideway::config
