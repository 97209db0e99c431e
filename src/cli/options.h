// SPDX-License-Identifier: Apache-2.0
// The command line: words and options. Which options there are is one table.
// Threading: no state.
#ifndef GUIDEWAY_CLI_OPTIONS_H_
#define GUIDEWAY_CLI_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "outcome.h"

namespace guideway::cli {

struct Option {
  std::string name;
  /// "TIME"; empty for a switch.
  std::string argument;
  std::string help;
  /// The words that are allowed; empty: any.
  std::vector<std::string> choices;
  /// Several of the choices, separated by commas.
  bool takes_several = false;
};

const std::vector<Option>& all_options();

/// REQUIRES: `name` is in the table.
const Option& option(const std::string& name);

/// The options that each command takes.
const std::vector<std::string>& common_options();
/// Those of each command that changes something.
const std::vector<std::string>& write_options();

struct CommandLine {
  /// What is no option, in its order.
  std::vector<std::string> words;
  /// Without the dashes; a switch has the value "".
  std::map<std::string, std::string> options;

  bool has(const std::string& name) const { return options.count(name) != 0; }
  std::string get(const std::string& name, const std::string& otherwise = "") const;
};

/// Failures (kUsage): an option that does not exist, with the nearest one; a value that is missing,
/// or not one of its choices.
Outcome<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_OPTIONS_H_
