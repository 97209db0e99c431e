// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <boost/program_options.hpp>
#include <sstream>
#include <vector>

#include "guideway/base/text.h"

namespace guideway::decap {
namespace {

namespace po = boost::program_options;
using Texts = std::vector<std::string>;

po::options_description attach_options() {
  const Settings defaults;
  po::options_description options("attach");
  options.add_options()                                                                  //
      ("from", po::value<Texts>()->multitoken(),                                         //
       "PREFIX… of outer sources: the directors' addresses")                             //
      ("vip", po::value<Texts>()->multitoken(), "PREFIX… of inner destinations")         //
      ("local", po::value<Texts>()->multitoken(),                                        //
       "ADDRESS… of outer destinations (default: the addresses that DEV has now)")       //
      ("mode", po::value<std::string>()->default_value("auto"),                          //
       "native: in the driver; generic: any device; auto: native, else generic")         //
      ("tunnels", po::value<std::string>()->default_value(to_string(defaults.tunnels)),  //
       "the kinds to end; others pass")                                                  //
      ("gue-port", po::value<unsigned>()->default_value(defaults.gue_port), "UDP port")  //
      ("vxlan-port", po::value<unsigned>()->default_value(defaults.vxlan_port), "UDP port");
  return options;
}

po::options_description common_options() {
  po::options_description options("Options");
  options.add_options()                                                                         //
      ("pin-dir", po::value<std::string>(),                                                     //
       "folder in a BPF file system, of this device alone (default: /run/guideway/decap/DEV)")  //
      ("json", po::bool_switch(), "status: print JSON")                                         //
      ("version", po::bool_switch(), "print the version")                                       //
      ("help,h", po::bool_switch(), "print this");
  return options;
}

Result<std::vector<IpPrefix>> prefixes(const po::variables_map& values, const std::string& name) {
  std::vector<IpPrefix> found;
  if (values.count(name) == 0) return found;
  for (const std::string& text : values[name].as<Texts>()) {
    const auto prefix = parse_prefix(text);
    if (!prefix) return base::fail("--" + name + ": " + prefix.error().message);
    found.push_back(*prefix);
  }
  return found;
}

Result<std::vector<IpAddress>> addresses(const po::variables_map& values, const std::string& name) {
  std::vector<IpAddress> found;
  if (values.count(name) == 0) return found;
  for (const std::string& text : values[name].as<Texts>()) {
    const auto address = IpAddress::parse(text);
    if (!address) return base::fail("--" + name + ": " + address.error().message);
    found.push_back(*address);
  }
  return found;
}

Result<std::uint16_t> port(const po::variables_map& values, const std::string& name) {
  const unsigned value = values[name].as<unsigned>();
  if (value == 0 || value > 65535)
    return base::fail("--" + name + ": " + std::to_string(value) +
                      " is not a port: name one of 1 to 65535");
  return static_cast<std::uint16_t>(value);
}

Result<Mode> mode(const std::string& text) {
  for (const Mode mode : {Mode::kAuto, Mode::kNative, Mode::kGeneric})
    if (text == to_string(mode)) return mode;
  return base::fail("--mode: " + base::quoted(text) + " is not auto, native or generic");
}

Result<void> read_attach(const po::variables_map& values, Options& options) {
  Settings& settings = options.settings;
  const auto from = prefixes(values, "from");
  if (!from) return tl::unexpected(from.error());
  const auto vips = prefixes(values, "vip");
  if (!vips) return tl::unexpected(vips.error());
  if (from->empty() || vips->empty())
    return base::fail(std::string(from->empty() ? "--from" : "--vip") +
                      " is missing: attach needs --from PREFIX… and --vip PREFIX…");
  const auto local = addresses(values, "local");
  if (!local) return tl::unexpected(local.error());
  const auto tunnels = parse_tunnels(values["tunnels"].as<std::string>());
  if (!tunnels) return base::fail("--tunnels: " + tunnels.error().message);
  const auto gue_port = port(values, "gue-port");
  if (!gue_port) return tl::unexpected(gue_port.error());
  const auto vxlan_port = port(values, "vxlan-port");
  if (!vxlan_port) return tl::unexpected(vxlan_port.error());
  const auto wanted = mode(values["mode"].as<std::string>());
  if (!wanted) return tl::unexpected(wanted.error());
  settings = {*from, *vips, *local, {}, *tunnels, *gue_port, *vxlan_port};
  options.mode = *wanted;
  return {};
}

/// What belongs to attach or status alone is refused elsewhere: it would not do anything.
Result<void> check_stray(const po::variables_map& values, Options::Action action) {
  const po::options_description of_attach = attach_options();
  if (action != Options::Action::kAttach)
    for (const auto& option : of_attach.options()) {
      const std::string& name = option->long_name();
      if (values.count(name) != 0 && !values[name].defaulted())
        return base::fail("--" + name + " is for attach only");
    }
  if (action != Options::Action::kStatus && values["json"].as<bool>())
    return base::fail("--json is for status only");
  return {};
}

Result<Options> interpret(const po::variables_map& values) {
  Options options;
  if (values["version"].as<bool>()) {
    options.action = Options::Action::kVersion;
    return options;
  }
  if (values["help"].as<bool>()) return options;
  const Texts words = values.count("word") != 0 ? values["word"].as<Texts>() : Texts{};
  const std::string command = words.empty() ? "" : words[0];
  if (command == "attach") options.action = Options::Action::kAttach;
  if (command == "detach") options.action = Options::Action::kDetach;
  if (command == "status") options.action = Options::Action::kStatus;
  if (options.action == Options::Action::kHelp || words.size() != 2)
    return base::fail("say attach, detach or status, and one device, before the options");
  options.place.device = words[1];
  options.json = values["json"].as<bool>();
  options.place.pin_folder = values.count("pin-dir") != 0 ? values["pin-dir"].as<std::string>()
                                                          : std::string(kPinRoot) + "/" + words[1];
  if (const auto checked = check_stray(values, options.action); !checked)
    return tl::unexpected(checked.error());
  if (options.action == Options::Action::kAttach)
    if (const auto read = read_attach(values, options); !read) return tl::unexpected(read.error());
  return options;
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  po::options_description hidden;
  hidden.add_options()("word", po::value<Texts>());
  po::positional_options_description positional;
  positional.add("word", -1);
  po::options_description all;
  all.add(attach_options()).add(common_options()).add(hidden);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(),
              values);
  } catch (const po::error& error) {
    return base::fail(std::string(error.what()) + "; see guideway-decap --help");
  }
  return interpret(values);
}

std::string help_text() {
  std::ostringstream text;
  text << "guideway-decap: ends Guideway's tunnels on a backend host\n\n"
          "  guideway-decap attach DEV --from PREFIX… --vip PREFIX…   again: changes it in one "
          "step\n"
          "  guideway-decap detach DEV\n"
          "  guideway-decap status DEV [--json]                       exit code 3: not attached\n\n"
       << attach_options() << "\n"
       << common_options();
  return text.str();
}

}  // namespace guideway::decap
