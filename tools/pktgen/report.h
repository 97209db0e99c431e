// SPDX-License-Identifier: Apache-2.0
// Report: what a run gave, as text or as one JSON object, and whether that is good.
// Threading: values.
#ifndef GUIDEWAY_TOOLS_PKTGEN_REPORT_H_
#define GUIDEWAY_TOOLS_PKTGEN_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "backends.h"
#include "sink.h"

namespace guideway::pktgen {

/// One step of the search for a rate.
struct Trial {
  std::uint64_t rate_pps = 0;  // 0: as fast as it goes
  double sent_pps = 0;
  double loss = 0;
  bool good = false;
};

struct Report {
  std::uint64_t seed = 0;
  std::uint32_t flows = 0;
  /// From the first packet to the last.
  double seconds = 0;
  bool interrupted = false;
  std::uint64_t sent = 0;
  std::uint64_t bytes_sent = 0;
  /// Times that the device took no packet at once.
  std::uint64_t device_busy = 0;
  std::string memory;
  /// Whether data was stamped.
  bool latency = false;
  /// Of the search, if one was made: this report is then the best trial's, or the last one's if
  /// none was good.
  std::vector<Trial> trials;
};

/// What is still good.
struct Judgement {
  double max_loss = 0;
  double max_late = 1;
};

/// How evenly flows are spread over backends. All 0 without backends.
struct Spread {
  std::uint64_t fewest = 0;
  std::uint64_t most = 0;
  double mean = 0;
  /// The largest distance of a backend from the mean, as a fraction of the mean.
  double deviation = 0;
};
Spread spread_of(const std::vector<BackendTotals>& backends);

/// Packets that did not come back.
std::uint64_t lost(const Report& report, const SinkCounts& counts);
/// The same as a fraction of those that were sent.
double loss_of(const Report& report, const SinkCounts& counts);
double sent_pps(const Report& report);

/// One sentence for each thing that makes the run a failure: moved flows, faults, duplicates, more
/// loss or reordering than is good, nothing sent, no rate found.
std::vector<std::string> problems(const Report& report, const SinkCounts& counts,
                                  const Judgement& judgement);

std::string as_json(const Report& report, const Sink& sink, const Judgement& judgement);
std::string as_text(const Report& report, const Sink& sink, const Judgement& judgement);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_REPORT_H_
