// SPDX-License-Identifier: Apache-2.0
// guideway: the operator's tool. Exit codes: 0 done, 1 refused or fault, 2 usage, 3 no daemon.
#include <boost/program_options.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "client.h"
#include "guideway/base/version.h"
#include "orphan_view.h"
#include "status_view.h"

namespace {

namespace po = boost::program_options;

constexpr int kFault = 1;
constexpr int kUsage = 2;
constexpr int kNoDaemon = 3;
constexpr const char* kDefaultSocket = "/run/guideway/status.sock";
constexpr const char* kDefaultPins = "/run/guideway/bpf";

po::options_description description() {
  const char* from_environment = std::getenv("GUIDEWAY_SOCKET");
  po::options_description options("Options");
  options.add_options()  //
      ("socket",
       po::value<std::string>()->default_value(from_environment != nullptr ? from_environment
                                                                           : kDefaultSocket),  //
       "the daemon's socket; also by GUIDEWAY_SOCKET")                                         //
      ("pin-dir", po::value<std::string>()->default_value(kDefaultPins),
       "director.pin_dir, to look at when no daemon answers")  //
      ("json", po::bool_switch(), "print JSON")                //
      ("version", po::bool_switch(), "print the version")      //
      ("help,h", po::bool_switch(), "print this");
  return options;
}

int usage(const std::string& problem) {
  std::cerr << "guideway: " << problem << "; see guideway --help\n";
  return kUsage;
}

/// No daemon answers: programs of one may go on forwarding.
void show_orphans(const std::string& pin_dir, bool json) {
  std::vector<std::string> problems;
  const auto orphans = guideway::datapath::xdp::find_orphans(pin_dir, problems);
  for (const auto& problem : problems) std::cerr << "guideway: " << problem << "\n";
  if (!orphans || orphans->empty()) return;
  if (json) {
    std::cout << guideway::cli::orphans_json(*orphans);
    return;
  }
  for (const auto& orphan : *orphans) std::cout << guideway::cli::orphan_view(orphan);
}

int show_status(const std::string& socket, const std::string& pin_dir, bool json) {
  const auto answer = guideway::cli::get(socket, "/v1/status");
  if (!answer) {
    std::cerr << "guideway: " << answer.error().message << "\n";
    show_orphans(pin_dir, json);
    return kNoDaemon;
  }
  if (answer->status != 200) {
    std::cerr << "guideway: the daemon answered " << answer->status << ": " << answer->body;
    return kFault;
  }
  if (json) {
    std::cout << answer->body;
    return 0;
  }
  const auto view = guideway::cli::status_view(answer->body);
  if (!view) {
    std::cerr << "guideway: " << view.error().message << "\n";
    return kFault;
  }
  std::cout << *view;
  return 0;
}

int act(int argc, char** argv) {
  po::options_description hidden;
  hidden.add_options()("command", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("command", -1);
  po::options_description all;
  all.add(description()).add(hidden);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(),
              values);
  } catch (const po::error& error) {
    return usage(error.what());
  }
  if (values["version"].as<bool>()) {
    std::cout << "guideway " << guideway::base::kVersion << "\n";
    return 0;
  }
  if (values["help"].as<bool>()) {
    std::cout << "guideway: the operator's tool of guidewayd\n\n"
                 "  guideway status [--json]    what the daemon does\n\n"
              << description();
    return 0;
  }
  if (values.count("command") == 0) return usage("a command is missing");
  const auto& command = values["command"].as<std::vector<std::string>>();
  if (command.size() != 1 || command[0] != "status")
    return usage("unknown command \"" + command[0] + "\"; this version has: status");
  return show_status(values["socket"].as<std::string>(), values["pin-dir"].as<std::string>(),
                     values["json"].as<bool>());
}

}  // namespace

int main(int argc, char** argv) try {
  return act(argc, argv);
} catch (const std::exception& error) {
  std::cerr << "guideway: " << error.what() << "\n";
  return kFault;
}
