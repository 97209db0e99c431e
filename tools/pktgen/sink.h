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

class Sink {
 public:
  Sink(FlowSpace flows, std::uint32_t flow_count, Sizes sizes, Mac gateway);

  void take(ByteSpan frame);

  const SinkCounts& counts() const { return counts_; }
  const std::vector<BackendTotals>& backends() const { return backends_.all(); }

 private:
  Faults check(const ClientPacket& packet, const Mark& mark) const;
  void record(const ClientPacket& packet, const Mark& mark);
  void count_corrupt(const Faults& faults);

  FlowSpace flows_;
  Sizes sizes_;
  Mac gateway_;
  FlowMemory memory_;
  BackendTable backends_;
  SinkCounts counts_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_SINK_H_
