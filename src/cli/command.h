// SPDX-License-Identifier: Apache-2.0
// The table of commands: help, completion and the check of the manual page come from it.
// Threading: no state.
#ifndef GUIDEWAY_CLI_COMMAND_H_
#define GUIDEWAY_CLI_COMMAND_H_

#include <chrono>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "daemon.h"
#include "options.h"
#include "outcome.h"

namespace guideway::cli {

/// What the tool needs of its surroundings; tests give others.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  /// GUIDEWAY_SOCKET; "": not set.
  std::string socket;
  /// Whether `out` is a terminal, to draw on.
  bool terminal = false;
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
};

struct Command;

/// One call of a command.
struct Call {
  const Command& command;
  std::vector<std::string> arguments;
  CommandLine line;
  Daemon daemon;
  Surroundings& around;

  bool json() const { return line.has("json"); }
  std::ostream& out() const { return around.out; }
};

struct Command {
  enum class Use {
    kNothing,  // no daemon
    kReads,
    kAsks,    // the admin socket, but nothing is changed
    kWrites,  // takes write_options()
  };
  /// "backend drain".
  std::string words;
  /// "POOL/BACKEND [KEY=VALUE...]": in brackets what may be left out, with dots what may be
  /// repeated.
  std::string arguments;
  Use use;
  /// Its own options, beside common_options() and write_options().
  std::vector<std::string> options;
  /// What it does, in less than a line.
  std::string help;
  std::function<Outcome<void>(Call&)> run;
};

/// In the order of the help.
const std::vector<Command>& commands();

/// All that it takes.
std::vector<std::string> options_of(const Command& command);

/// How many arguments it takes at least and at most.
struct ArgumentCount {
  std::size_t least = 0;
  std::size_t most = 0;
};
ArgumentCount argument_count(const Command& command);

/// The command whose words these begin with, or a failure that names the nearest one.
Outcome<const Command*> find_command(const std::vector<std::string>& words);

// The commands' functions, a file for each group.

Outcome<void> show_status(Call& call);

Outcome<void> list_services(Call& call);
Outcome<void> show_service(Call& call);
Outcome<void> list_pools(Call& call);
Outcome<void> show_pool(Call& call);
Outcome<void> list_backends(Call& call);
Outcome<void> show_backend(Call& call);

/// The resource is of the kind that the command's first word says.
Outcome<void> add_resource(Call& call);
Outcome<void> set_resource(Call& call);
Outcome<void> remove_resource(Call& call);

Outcome<void> drain_backend(Call& call);
/// enable, disable, force-up, force-down, auto.
Outcome<void> switch_backend(Call& call);

Outcome<void> plan_file(Call& call);
Outcome<void> apply_file(Call& call);
Outcome<void> check_file(Call& call);
Outcome<void> save_file(Call& call);
Outcome<void> confirm_change(Call& call);
Outcome<void> roll_back(Call& call);
Outcome<void> reload_file(Call& call);
Outcome<void> show_diff(Call& call);
Outcome<void> show_history(Call& call);

Outcome<void> explain_packet(Call& call);
Outcome<void> show_events(Call& call);
Outcome<void> show_top(Call& call);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_COMMAND_H_
