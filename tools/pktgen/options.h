// SPDX-License-Identifier: Apache-2.0
// guideway-pktgen's command line.
// Threading: no state.
#ifndef GUIDEWAY_TOOLS_PKTGEN_OPTIONS_H_
#define GUIDEWAY_TOOLS_PKTGEN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flow.h"
#include "guideway/base/result.h"
#include "sink.h"
#include "sizes.h"
#include "traffic.h"

namespace guideway::pktgen {

struct Options {
  enum class Action { kRun, kHelp, kVersion };
  Action action = Action::kRun;
  /// "pci:…" or "vdev:…". Without a sink, packets come back on the same device.
  std::string device;
  std::optional<std::string> sink;
  std::vector<IpAddress> vips;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  Mac gateway;
  TrafficSpec traffic;
  /// Exponent of the established flows' popularity; none: all are as popular.
  std::optional<double> zipf;
  Size size = Size::k64;
  /// IP bytes; none: the device's.
  std::optional<unsigned> mtu;
  /// 0: as fast as it goes.
  std::uint64_t rate_pps = 0;
  double seconds = 10;
  std::uint64_t seed = 1;
  double max_loss = 0;
  double max_late = 1;
  /// Data says when it was sent, and the report how long it took.
  bool latency = false;
  /// The highest rate without more loss than max_loss is looked for, from rate_pps downwards.
  bool find_rate = false;
  Between between = Between::kRouter;
  /// Of the sending and of the receiving thread.
  std::vector<unsigned> cpus;
  bool json = false;
  bool allow_real_network = false;
};

/// Errors: one sentence about the first thing that is wrong.
Result<Options> parse_options(int argc, const char* const* argv);

/// What --help prints.
std::string help_text();

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_OPTIONS_H_
