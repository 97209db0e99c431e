// SPDX-License-Identifier: Apache-2.0
#include "help.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace guideway::cli {
namespace {

/// Two columns.
std::string columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string text;
  for (const auto& [left, right] : rows)
    text += "  " + left + std::string(width + 2 - left.size(), ' ') + right + "\n";
  return text;
}

std::string usage_of(const Command& command) {
  return command.words + (command.arguments.empty() ? "" : " " + command.arguments);
}

std::string options_text(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const std::string& name : names) {
    const Option& one = option(name);
    std::string help = one.help;
    for (const std::string& choice : one.choices)
      help += (choice == one.choices.front() ? ": " : ", ") + choice;
    rows.emplace_back("--" + name + (one.argument.empty() ? "" : " " + one.argument), help);
  }
  return columns(rows);
}

}  // namespace

std::string help_text() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command& command : commands()) rows.emplace_back(usage_of(command), command.help);
  std::vector<std::string> names = write_options();
  names.insert(names.end(), common_options().begin(), common_options().end());
  names.emplace_back("version");
  return "guideway: the operator's tool of guidewayd\n\n" + columns(rows) +
         "\nOptions (guideway COMMAND --help: all that the command takes)\n" + options_text(names) +
         "\nExit codes: 0 done, 1 refused or fault, 2 usage or bad file, 3 no daemon,\n"
         "4 the revision is another one, 5 deadline passed\n";
}

std::string help_text(const Command& command) {
  return "guideway " + usage_of(command) + "\n\n" + command.help + "\n\n" +
         options_text(options_of(command));
}

}  // namespace guideway::cli
