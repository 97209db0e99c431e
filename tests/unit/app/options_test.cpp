// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace guideway::app {
namespace {

using ::testing::HasSubstr;

Result<Options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "guidewayd");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, WithoutAnyItRunsWithTheDefaultFile) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, Options::Action::kRun);
  EXPECT_EQ(options->config_file, "/etc/guideway/guideway.toml");
  EXPECT_FALSE(options->verbose);
}

TEST(Options, NamesAFileToRunOrToCheck) {
  EXPECT_EQ(parse({"--config", "a.toml"})->config_file, "a.toml");
  EXPECT_EQ(parse({"-c", "a.toml", "-v"})->config_file, "a.toml");
  EXPECT_TRUE(parse({"-c", "a.toml", "-v"})->verbose);
  const auto check = parse({"--check", "b.toml"});
  EXPECT_EQ(check->action, Options::Action::kCheck);
  EXPECT_EQ(check->config_file, "b.toml");
}

TEST(Options, DetachesTheDirectorOfAFile) {
  const auto options = parse({"--detach", "--config", "a.toml"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, Options::Action::kDetach);
  EXPECT_EQ(options->config_file, "a.toml");
  EXPECT_EQ(parse({"--detach", "--help"})->action, Options::Action::kHelp);
  EXPECT_THAT(help_text(), HasSubstr("--detach"));
}

TEST(Options, HelpAndVersionGoFirst) {
  EXPECT_EQ(parse({"--check", "b.toml", "--version"})->action, Options::Action::kVersion);
  EXPECT_EQ(parse({"--version", "--help"})->action, Options::Action::kHelp);
  EXPECT_THAT(help_text(), HasSubstr("--check"));
}

TEST(Options, WhatIsUnknownOrIncompleteIsRefusedWithAHint) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"--colour"}, {"--config"}, {"--check"}, {"stray.toml"}, {"-x"}}) {
    const auto options = parse(words);
    ASSERT_FALSE(options) << words.front();
    EXPECT_THAT(options.error().message, HasSubstr("--help")) << words.front();
  }
}

TEST(Manual, HasEachOptionAndNoOther) {
  const std::string help = help_text();
  const std::regex option("--([a-z]+)");
  std::set<std::string> options;
  for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
    options.insert((*at)[1]);
  ASSERT_EQ(options.count("config"), 1u);
  std::ifstream file(GUIDEWAY_SOURCE_ROOT "/docs/man/guidewayd.8");
  std::set<std::string> documented;
  const std::string start = ".It Fl -";
  for (std::string line; std::getline(file, line);)
    if (line.rfind(start, 0) == 0) documented.insert(line.substr(start.size()));
  EXPECT_EQ(documented, options);
}

}  // namespace
}  // namespace guideway::app
