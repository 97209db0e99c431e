// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <set>
#include <sstream>

#include "command.h"
#include "guideway/base/text.h"
#include "guideway/config/values.h"

namespace guideway::cli {
namespace {

using Use = Command::Use;
using Texts = std::vector<std::string>;

const std::vector<Command> kCommands = {
    {"status", "", Use::kReads, {"pin-dir"}, "what the director does", show_status},
    {"top", "", Use::kReads, {}, "rates, once a second; q ends it", show_top},
    {"events",
     "",
     Use::kReads,
     {"since", "kind", "follow"},
     "what happened: health, generations, changes",
     show_events},
    {"explain",
     "PROTOCOL SOURCE:PORT DESTINATION:PORT",
     Use::kReads,
     {"flags"},
     "what would become of this packet now, and why",
     explain_packet},

    {"service list", "", Use::kReads, {}, "all services", list_services},
    {"service show", "SERVICE", Use::kReads, {}, "one, and what its backends need", show_service},
    {"service add",
     "SERVICE [KEY=VALUE...]",
     Use::kWrites,
     {"address", "port", "protocol", "pool"},
     "a new one; needs address, port and pool",
     add_resource},
    {"service set", "SERVICE KEY=VALUE...", Use::kWrites, {}, "changes these keys", set_resource},
    {"service remove", "SERVICE", Use::kWrites, {}, "removes it", remove_resource},

    {"pool list", "", Use::kReads, {}, "all pools", list_pools},
    {"pool show", "POOL", Use::kReads, {}, "one, with its backends", show_pool},
    {"pool add",
     "POOL [KEY=VALUE...]",
     Use::kWrites,
     {"forwarding"},
     "a new one, without backends",
     add_resource},
    {"pool set", "POOL KEY=VALUE...", Use::kWrites, {}, "changes these keys", set_resource},
    {"pool remove", "POOL", Use::kWrites, {}, "removes it and its backends", remove_resource},

    {"backend list", "[POOL]", Use::kReads, {}, "those of a pool, or all", list_backends},
    {"backend show", "POOL/BACKEND", Use::kReads, {}, "one", show_backend},
    {"backend add",
     "POOL/BACKEND [KEY=VALUE...]",
     Use::kWrites,
     {"address", "weight", "ttl"},
     "a new one; needs its address",
     add_resource},
    {"backend set",
     "POOL/BACKEND KEY=VALUE...",
     Use::kWrites,
     {},
     "changes these keys",
     set_resource},
    {"backend remove",
     "POOL/BACKEND",
     Use::kWrites,
     {},
     "removes it; its flows stay until they end",
     remove_resource},
    {"backend drain",
     "POOL/BACKEND",
     Use::kWrites,
     {"deadline", "then", "wait"},
     "no new flows",
     drain_backend},
    {"backend enable", "POOL/BACKEND", Use::kWrites, {}, "new flows again", switch_backend},
    {"backend disable", "POOL/BACKEND", Use::kWrites, {}, "no new flows", switch_backend},
    {"backend force-up",
     "POOL/BACKEND",
     Use::kWrites,
     {"for"},
     "healthy, whatever its probes say",
     switch_backend},
    {"backend force-down",
     "POOL/BACKEND",
     Use::kWrites,
     {"for"},
     "unhealthy, whatever its probes say",
     switch_backend},
    {"backend auto",
     "POOL/BACKEND",
     Use::kWrites,
     {},
     "healthy or not as its probes say",
     switch_backend},

    {"check", "FILE", Use::kNothing, {}, "whether a configuration file is good", check_file},
    {"plan", "FILE", Use::kAsks, {}, "what a file would change", plan_file},
    {"apply",
     "FILE",
     Use::kWrites,
     {"confirm-within"},
     "makes services and pools what a file says",
     apply_file},
    {"confirm", "", Use::kWrites, {}, "keeps a change that waits for it", confirm_change},
    {"diff", "", Use::kReads, {}, "how what runs differs from the file", show_diff},
    {"history", "", Use::kReads, {}, "the last revisions", show_history},
    {"rollback",
     "[REVISION]",
     Use::kWrites,
     {},
     "back to that revision, or to the one before",
     roll_back},
    {"reload", "", Use::kWrites, {}, "reads the configuration file again", reload_file},
    {"save", "[FILE]", Use::kReads, {}, "writes what runs as a configuration file", save_file},
};

Texts split(const std::string& text) {
  std::istringstream stream(text);
  Texts words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool begins_with(const Texts& words, const Texts& begin) {
  return words.size() >= begin.size() && std::equal(begin.begin(), begin.end(), words.begin());
}

/// The commands below the first of `words`, which may be none: "list", "show", …
Texts words_below(const std::string& group) {
  Texts found;
  for (const Command& command : kCommands) {
    const Texts words = split(command.words);
    if (words.size() == 2 && words[0] == group) found.push_back(words[1]);
  }
  return found;
}

Texts first_words() {
  std::set<std::string> found;
  for (const Command& command : kCommands) found.insert(split(command.words)[0]);
  return {found.begin(), found.end()};
}

std::string joined(const Texts& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

const std::vector<Command>& commands() { return kCommands; }

std::vector<std::string> options_of(const Command& command) {
  Texts names = command.options;
  const auto add = [&](const Texts& more) { names.insert(names.end(), more.begin(), more.end()); };
  if (command.use == Use::kWrites) add(write_options());
  add(common_options());
  return names;
}

ArgumentCount argument_count(const Command& command) {
  ArgumentCount count;
  for (const std::string& word : split(command.arguments)) {
    if (word.front() != '[') count.least++;
    const bool repeated = word.find("...") != std::string::npos;
    count.most = repeated ? std::numeric_limits<std::size_t>::max() : count.most + 1;
  }
  return count;
}

Outcome<const Command*> find_command(const std::vector<std::string>& words) {
  if (words.empty()) return failed(kUsage, "a command is missing");
  for (const Command& command : kCommands)
    if (begins_with(words, split(command.words))) return &command;
  const Texts below = words_below(words[0]);
  if (below.empty())
    return failed(kUsage, "unknown command " + base::quoted(words[0]) + "; the nearest is \"" +
                              config::nearest(words[0], first_words()) + "\"");
  const std::string choice = "; " + words[0] + " takes " + joined(below);
  if (words.size() == 1) return failed(kUsage, words[0] + " what?" + choice);
  return failed(kUsage, "unknown command " + base::quoted(words[0] + " " + words[1]) +
                            "; the nearest is \"" + words[0] + " " +
                            config::nearest(words[1], below) + "\"");
}

}  // namespace guideway::cli
