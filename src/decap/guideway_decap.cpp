// SPDX-License-Identifier: Apache-2.0
// guideway-decap: ends tunnels on a backend host. Attaches and exits: nothing of it stays but the
// program in the kernel. Exit codes: 0 done, 1 refused or fault, 2 usage, 3 status: not attached.
#include <exception>
#include <iostream>

#include "guideway/base/version.h"
#include "guideway/decap/attachment.h"
#include "guideway/decap/host.h"
#include "options.h"
#include "status_view.h"

namespace {

using namespace guideway;  // NOLINT
using decap::Options;

constexpr int kFault = 1;
constexpr int kUsage = 2;
constexpr int kNotAttached = 3;

int complain(const Error& error, int code) {
  std::cerr << "guideway-decap: " << error.message << "\n";
  return code;
}

int attach(Options options) {
  const std::string& name = options.place.device;
  const auto device = decap::find_device(name);
  if (!device) return complain(device.error(), kFault);
  const auto addresses = decap::read_addresses(*device);
  if (!addresses) return complain(addresses.error(), kFault);
  options.settings.host = addresses->all;
  if (options.settings.local.empty()) options.settings.local = addresses->device;
  const auto attached = decap::attach(options.place, options.settings, options.mode);
  if (!attached) return complain(attached.error(), kFault);
  if (!attached->remark.empty()) std::cerr << "guideway-decap: " << attached->remark << "\n";
  std::cout << name << ": decapsulator " << (attached->replaced ? "replaced" : "attached") << " in "
            << to_string(attached->mode) << " mode\n";
  return 0;
}

int detach(const Options& options) {
  const auto detached = decap::detach(options.place);
  if (!detached) return complain(detached.error(), kFault);
  std::cout << options.place.device
            << (*detached ? ": decapsulator detached\n" : ": no decapsulator is attached\n");
  return 0;
}

int show_status(const Options& options) {
  const auto status = decap::status(options.place);
  if (!status) return complain(status.error(), kFault);
  const std::string& device = options.place.device;
  std::cout << (options.json ? status_json(device, *status) : status_text(device, *status));
  return *status ? 0 : kNotAttached;
}

int act(const Options& options) {
  switch (options.action) {
    case Options::Action::kAttach:
      return attach(options);
    case Options::Action::kDetach:
      return detach(options);
    case Options::Action::kStatus:
      return show_status(options);
    case Options::Action::kVersion:
      std::cout << "guideway-decap " << base::kVersion << "\n";
      return 0;
    case Options::Action::kHelp:
      break;
  }
  std::cout << decap::help_text();
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto options = decap::parse_options(argc, argv);
  return options ? act(*options) : complain(options.error(), kUsage);
} catch (const std::exception& error) {
  std::cerr << "guideway-decap: " << error.what() << "\n";
  return kFault;
}
