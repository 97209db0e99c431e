// SPDX-License-Identifier: Apache-2.0
// FlowMemory: what the sink remembers of each flow, in 8 bytes: its backend, the highest sequence
// number seen, and which of the 16 up to it were.
// Threading: one thread.
// Source: the window is that of IPsec's replay protection (RFC 4303 §3.4.3).
#ifndef GUIDEWAY_TOOLS_PKTGEN_FLOW_MEMORY_H_
#define GUIDEWAY_TOOLS_PKTGEN_FLOW_MEMORY_H_

#include <cstdint>
#include <vector>

#include "mark.h"

namespace guideway::pktgen {

class FlowMemory {
 public:
  static constexpr unsigned kWindow = 16;

  explicit FlowMemory(std::uint32_t flows) : entries_(flows) {}
  std::uint32_t flows() const { return static_cast<std::uint32_t>(entries_.size()); }

  struct Seen {
    bool first_of_flow = false;
    /// Another backend than the packet before it.
    bool moved = false;
    /// The flow's first move.
    bool flow_moved = false;
    bool duplicate = false;
    /// After one with a higher sequence number. More than kWindow late, it cannot be told from a
    /// duplicate, and is taken for late.
    bool late = false;
    /// How many sequence numbers ahead the flow was already, if it was late.
    std::uint32_t late_by = 0;
  };

  /// REQUIRES: mark.flow < flows(); 0 < backend < 32768.
  Seen see(const Mark& mark, std::uint16_t backend);

 private:
  struct Entry {
    std::uint16_t backend = 0;  // 0: nothing seen; the highest bit: has moved
    std::uint16_t window = 0;   // bit i: sequence number highest - i
    std::uint32_t highest = 0;
  };
  static_assert(sizeof(Entry) == 8);

  static void see_sequence(Entry& entry, std::uint32_t sequence, Seen& seen);

  std::vector<Entry> entries_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_FLOW_MEMORY_H_
