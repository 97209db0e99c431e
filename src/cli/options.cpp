// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "guideway/base/text.h"
#include "guideway/config/values.h"

namespace guideway::cli {
namespace {

namespace po = boost::program_options;
using Texts = std::vector<std::string>;

const std::vector<Option> kOptions = {
    {"socket", "PATH", "the daemon's socket, in place of those in /run/guideway", {}},
    {"json", "", "print JSON", {}},
    {"help", "", "print what the command takes", {}},
    {"version", "", "print the version", {}},
    {"dry-run", "", "check everything, change nothing", {}},
    {"if-revision", "N", "only if the configuration still has this revision", {}},
    {"pin-dir", "PATH", "director.pin_dir, to look at when no daemon answers", {}},
    {"address", "ADDRESS", "of the service or the backend", {}},
    {"port", "PORT", "of the service", {}},
    {"protocol", "PROTOCOL", "of the service", {"tcp", "udp", "tcp_udp"}},
    {"pool", "POOL", "where the service's packets go", {}},
    {"forwarding", "MODE", "of the pool: l2dsr, ipip, gre, gue, vxlan, nat", {}},
    {"weight", "N", "of the backend", {}},
    {"ttl", "TIME", "drain and remove the backend unless it is added again within this time", {}},
    {"deadline", "TIME", "until when flows may end by themselves", {}},
    {"then", "WORD", "what becomes of TCP flows at the deadline", {"keep", "reset"}},
    {"wait", "", "wait until no flow is left, or for the deadline", {}},
    {"for", "TIME", "for how long", {}},
    {"confirm-within", "TIME", "take the change back unless it is confirmed in time", {}},
    {"flags", "FLAGS", "of the TCP packet", {"syn", "ack"}},
    {"since", "TIME", "after this time (2024-05-01T12:00:00Z or +02:00) or event's number", {}},
    {"kind",
     "KINDS",
     "only these kinds, separated by commas",
     {"start", "config", "generation", "state", "health", "panic", "address", "admin"},
     true},
    {"follow", "", "go on until interrupted", {}},
};

po::options_description description() {
  po::options_description all;
  for (const Option& one : kOptions) {
    const std::string name = one.name == "help" ? "help,h" : one.name;
    if (one.argument.empty())
      all.add_options()(name.c_str(), po::bool_switch());
    else
      all.add_options()(name.c_str(), po::value<std::string>());
  }
  all.add_options()("word", po::value<Texts>());
  return all;
}

Outcome<void> check_word(const Option& option, const std::string& word) {
  const Texts& choices = option.choices;
  if (std::find(choices.begin(), choices.end(), word) != choices.end()) return {};
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  return failed(kUsage, "--" + option.name + ": " + base::quoted(word) + " is none of " + list +
                            "; the nearest is \"" + config::nearest(word, choices) + "\"");
}

Outcome<void> check_choice(const Option& option, const std::string& value) {
  if (option.choices.empty()) return {};
  if (!option.takes_several) return check_word(option, value);
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    if (auto good = check_word(option, value.substr(begin, end - begin)); !good) return good;
    begin = end + 1;
  }
  return {};
}

/// "--wiat" or "-w", as somebody wrote it.
tl::unexpected<Failure> unknown(const std::string& written) {
  Texts names;
  for (const Option& one : kOptions) names.push_back("--" + one.name);
  return failed(kUsage, "unknown option " + base::quoted(written) + "; the nearest is " +
                            config::nearest(written, names));
}

}  // namespace

const std::vector<Option>& all_options() { return kOptions; }

const Option& option(const std::string& name) {
  return *std::find_if(kOptions.begin(), kOptions.end(),
                       [&](const Option& one) { return one.name == name; });
}

const std::vector<std::string>& common_options() {
  static const Texts names = {"socket", "json", "help"};
  return names;
}

const std::vector<std::string>& write_options() {
  static const Texts names = {"dry-run", "if-revision"};
  return names;
}

std::string CommandLine::get(const std::string& name, const std::string& otherwise) const {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

Outcome<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("word", -1);
  const po::options_description all = description();
  po::variables_map values;
  try {
    using namespace po::command_line_style;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(unix_style & ~allow_guessing)
                  .run(),
              values);
  } catch (const po::unknown_option& error) {
    return unknown(error.get_option_name());
  } catch (const po::error& error) {
    return failed(kUsage, base::escape_untrusted(error.what()));
  }
  CommandLine line;
  if (values.count("word") != 0) line.words = values["word"].as<Texts>();
  for (const Option& one : kOptions) {
    const po::variable_value& value = values[one.name];
    if (value.empty() || (one.argument.empty() && !value.as<bool>())) continue;
    line.options[one.name] = one.argument.empty() ? "" : value.as<std::string>();
    if (auto good = check_choice(one, line.get(one.name)); !good)
      return tl::unexpected(good.error());
  }
  return line;
}

}  // namespace guideway::cli
