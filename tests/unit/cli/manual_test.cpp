// SPDX-License-Identifier: Apache-2.0
// The manual pages have each command and each option, as the programs have them, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "command.h"
#include "options.h"

namespace guideway::cli {
namespace {

using ::testing::ElementsAreArray;

/// What follows `start` in each line that begins with it, between two lines.
std::vector<std::string> items(const std::string& page, const std::string& start,
                               const std::string& after = "", const std::string& before = "") {
  std::ifstream file(GUIDEWAY_SOURCE_ROOT "/docs/man/" + page);
  EXPECT_TRUE(file) << page;
  std::vector<std::string> found;
  bool inside = after.empty();
  for (std::string line; std::getline(file, line);) {
    if (!after.empty() && line == after) inside = true;
    if (!before.empty() && line == before) inside = false;
    if (inside && line.rfind(start, 0) == 0) found.push_back(line.substr(start.size()));
  }
  return found;
}

/// "backend drain Ar POOL/BACKEND Oo Fl -deadline Ar TIME Oc …": what mdoc(7) says of a command.
std::string mdoc(const Command& command) {
  std::string line = command.words;
  std::istringstream arguments(command.arguments);
  for (std::string word; arguments >> word;) {
    const bool optional = word.front() == '[';
    const std::string name = optional ? word.substr(1, word.size() - 2) : word;
    line += optional ? " Oo Ar " + name + " Oc" : " Ar " + name;
  }
  for (const std::string& name : command.options) {
    const std::string& argument = option(name).argument;
    line += " Oo Fl -" + name + (argument.empty() ? "" : " Ar " + argument) + " Oc";
  }
  return line;
}

TEST(Manual, HasEachCommand) {
  std::vector<std::string> expected;
  for (const Command& command : commands()) expected.push_back(mdoc(command));
  EXPECT_THAT(items("guideway.1", ".It Cm "), ElementsAreArray(expected));
}

TEST(Manual, HasEachOption) {
  std::vector<std::string> expected;
  for (const Option& one : all_options())
    expected.push_back(one.name + (one.argument.empty() ? "" : " Ar " + one.argument));
  EXPECT_THAT(items("guideway.1", ".It Fl -"), ElementsAreArray(expected));
}

TEST(Manual, EachOptionOfACommandExists) {
  std::set<std::string> used = {"version"};
  for (const Command& command : commands())
    for (const std::string& name : options_of(command)) used.insert(name);
  std::set<std::string> known;
  for (const Option& one : all_options()) known.insert(one.name);
  EXPECT_EQ(used, known);
}

TEST(Manual, HasEachExitCode) {
  EXPECT_THAT(items("guideway.1", ".It ", ".Sh EXIT STATUS", ".Sh FILES"),
              ElementsAreArray({"0", "1", "2", "3", "4", "5"}));
}

}  // namespace
}  // namespace guideway::cli
