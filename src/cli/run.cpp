// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <algorithm>
#include <sstream>

#include "complete.h"
#include "guideway/base/text.h"
#include "guideway/base/version.h"
#include "help.h"

namespace guideway::cli {
namespace {

constexpr const char* kAdminSocket = "/run/guideway/admin.sock";
constexpr const char* kStatusSocket = "/run/guideway/status.sock";

/// Who reads may not be allowed to write; who writes is root, or in the group for it.
Daemon daemon_of(const CommandLine& line, const Surroundings& around) {
  const std::string named = line.get("socket", around.socket);
  if (!named.empty()) return {{named}, {named}};
  return {{kStatusSocket, kAdminSocket}, {kAdminSocket}};
}

std::size_t word_count(const std::string& words) {
  return 1 + static_cast<std::size_t>(std::count(words.begin(), words.end(), ' '));
}

Outcome<void> check_arguments(const Command& command, const std::vector<std::string>& arguments) {
  const ArgumentCount count = argument_count(command);
  if (arguments.size() >= count.least && arguments.size() <= count.most) return {};
  const std::string problem = arguments.size() < count.least ? "an argument is missing"
                                                             : base::quoted(arguments[count.most]) +
                                                                   " is one argument too many";
  return failed(kUsage, problem + "; the form is guideway " + command.words +
                            (command.arguments.empty() ? "" : " " + command.arguments));
}

Outcome<void> check_options(const Command& command, const CommandLine& line) {
  const auto known = options_of(command);
  for (const auto& [name, value] : line.options)
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string list;
      for (const std::string& one : known) list += (list.empty() ? "--" : ", --") + one;
      return failed(kUsage,
                    "guideway " + command.words + " has no --" + name + "; it takes " + list);
    }
  return {};
}

Outcome<void> call_command(const CommandLine& line, Surroundings& around) {
  const auto found = find_command(line.words);
  if (!found) return tl::unexpected(found.error());
  const Command& command = **found;
  const auto first = line.words.begin() + static_cast<std::ptrdiff_t>(word_count(command.words));
  Call call{command, {first, line.words.end()}, line, daemon_of(line, around), around};
  if (auto good = check_arguments(command, call.arguments); !good) return good;
  if (auto good = check_options(command, line); !good) return good;
  try {
    return command.run(call);
  } catch (const Json::exception& error) {
    return failed(kFault, std::string("the daemon's answer is not understood (") +
                              base::escape_untrusted(error.what()) +
                              "); guideway and guidewayd should be of one version");
  }
}

std::string help_for(const CommandLine& line) {
  const auto found = find_command(line.words);
  return found ? help_text(**found) : help_text();
}

Outcome<void> act(const std::vector<std::string>& arguments, Surroundings& around) {
  const auto line = parse_command_line(arguments);
  if (!line) return tl::unexpected(line.error());
  if (line->has("version"))
    around.out << "guideway " << base::kVersion << "\n";
  else if (line->has("help"))
    around.out << help_for(*line);
  else
    return call_command(*line, around);
  return {};
}

/// "guideway: " before each line.
void complain(const Failure& failure, Surroundings& around) {
  around.out.flush();
  std::istringstream lines(failure.message);
  for (std::string line; std::getline(lines, line);) around.err << "guideway: " << line << "\n";
  if (failure.code == kUsage && failure.body.empty())
    around.err << "guideway: see guideway --help\n";
}

const char* word_of(ExitCode code) {
  switch (code) {
    case kDone:
      break;
    case kFault:
      return "fault";
    case kUsage:
      return "usage";
    case kNoDaemon:
      return "no_daemon";
    case kConflict:
      return "conflict";
    case kDeadline:
      return "deadline";
  }
  return "";
}

/// As the daemon puts its refusals.
std::string json_of(const Failure& failure) {
  if (!failure.body.empty()) return failure.body;
  return json_line(
      {{"api", 1},
       {"error", {{"code", word_of(failure.code)}, {"field", ""}, {"message", failure.message}}}});
}

}  // namespace

int run(const std::vector<std::string>& arguments, Surroundings& around) {
  if (!arguments.empty() && arguments[0] == kCompleteWord) {
    const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
    for (const std::string& one : completions(words, daemon_of({}, around)))
      around.out << one << "\n";
    return kDone;
  }
  const auto done = act(arguments, around);
  if (done) return kDone;
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  if (json && !done.error().is_shown) around.out << json_of(done.error());
  complain(done.error(), around);
  return done.error().code;
}

}  // namespace guideway::cli
