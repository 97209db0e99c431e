// SPDX-License-Identifier: Apache-2.0
// Sink: all backends at once. Takes every frame that arrives, finds the generator's packets among
// them, and checks that each is what was sent with one TTL less, and that its flow stays where it
// was.
// Threading: take() by one thread; the counts may be read by others meanwhile, the backends not.
#ifndef GUIDEWAY_TOOLS_PKTGEN_SINK_H_
#define GUIDEWAY_TOOLS_PKTGEN_SINK_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "backends.h"
#include "faults.h"
#include "flow.h"
#include "flow_memory.h"
#include "histogram.h"
#include "sizes.h"

namespace guideway::pktgen {

/// Written by one thread, read by any; readers see each count alone, not a moment of them all.
class Count {
 public:
  void add(std::uint64_t more = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct SinkCounts {
  /// Packets of ours that were not there before.
  Count received;
  Count duplicates;
  Count late;
  Count flows_seen;
  Count flows_moved;
  /// Packets that came for another backend than the packet of their flow before.
  Count moves;
  /// Packets with any fault. One without a readable mark is not in `received`.
  Count corrupt;
  std::array<Count, kFaultCount> faults;
  /// Frames to the gateway's MAC: our own, seen on their way.
  Count outgoing;
  /// Frames with no packet of ours.
  Count foreign;
};

/// What is between generator and sink. A router takes one off the TTL, and its own MAC address is
/// not a backend's; a bridge, or somebody who only turns packets round, leaves them as they were.
enum class Between : std::uint8_t { kRouter, kBridge };

class Sink {
 public:
  Sink(FlowSpace flows, std::uint32_t flow_count, Sizes sizes, Mac gateway,
       Between between = Between::kRouter);

  /// `now_ns`: by the clock of the stamps.
  void take(ByteSpan frame, std::uint64_t now_ns = 0);

  const SinkCounts& counts() const { return counts_; }
  /// In ns, of stamped packets that were right and not there before. Not to be read meanwhile.
  const Histogram& latency() const { return latency_; }
  /// By how many sequence numbers late packets were late. Likewise.
  const Histogram& late_by() const { return late_by_; }
  const std::vector<BackendTotals>& backends() const { return backends_.all(); }

 private:
  Faults check(const ClientPacket& packet, const Mark& mark) const;
  /// Whether it was not there before.
  bool record(const ClientPacket& packet, const Mark& mark);
  void time(const ClientPacket& packet, std::uint64_t now_ns);
  void count_corrupt(const Faults& faults);

  FlowSpace flows_;
  Sizes sizes_;
  Mac gateway_;
  Between between_;
  FlowMemory memory_;
  BackendTable backends_;
  SinkCounts counts_;
  Histogram latency_;
  Histogram late_by_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_SINK_H_
