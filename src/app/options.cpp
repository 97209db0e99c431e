// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <boost/program_options.hpp>
#include <sstream>

namespace guideway::app {
namespace {

namespace po = boost::program_options;

constexpr const char* kDefaultConfig = "/etc/guideway/guideway.toml";

po::options_description description() {
  po::options_description options("Options");
  options.add_options()                                                                         //
      ("config,c", po::value<std::string>()->default_value(kDefaultConfig),                     //
       "run with this configuration file")                                                      //
      ("check", po::value<std::string>(), "only check FILE: exit code 0, or 2 and its errors")  //
      ("detach", po::bool_switch(),                                                             //
       "end what the director of --config left behind: programs, flow table, addresses")        //
      ("verbose,v", po::bool_switch(), "log more")                                              //
      ("version", po::bool_switch(), "print the version")                                       //
      ("help,h", po::bool_switch(), "print this");
  return options;
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv)
                  .options(description())
                  .positional(po::positional_options_description())
                  .run(),
              values);
    po::notify(values);
  } catch (const po::error& error) {
    return base::fail(std::string(error.what()) + "; see guidewayd --help");
  }
  Options options;
  options.config_file = values["config"].as<std::string>();
  options.verbose = values["verbose"].as<bool>();
  if (values.count("check") != 0) {
    options.action = Options::Action::kCheck;
    options.config_file = values["check"].as<std::string>();
  }
  if (values["detach"].as<bool>()) options.action = Options::Action::kDetach;
  if (values["version"].as<bool>()) options.action = Options::Action::kVersion;
  if (values["help"].as<bool>()) options.action = Options::Action::kHelp;
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text << "guidewayd: a layer-4 load balancer\n\n"
          "  guidewayd --config FILE    run in the foreground until SIGTERM; SIGHUP reloads\n"
          "  guidewayd --check FILE     check a configuration and exit\n"
          "  guidewayd --detach         end what a director that is not running has left\n\n"
       << description();
  return text.str();
}

}  // namespace guideway::app
