// SPDX-License-Identifier: Apache-2.0
// Receiver: gives every frame of one device to the sink.
// Threading: run() on a thread of its own; stop() from any.
#ifndef GUIDEWAY_TOOLS_PKTGEN_RECEIVER_H_
#define GUIDEWAY_TOOLS_PKTGEN_RECEIVER_H_

#include <atomic>
#include <cstdint>

#include "sink.h"
#include "waiting.h"

namespace guideway::pktgen {

class Receiver {
 public:
  /// `sink` outlives this.
  Receiver(std::uint16_t port_id, Sink& sink, Waiting waiting)
      : port_id_(port_id), sink_(sink), waiting_(waiting) {}

  /// Receives until stop().
  void run();
  void stop() { stop_.store(true, std::memory_order_relaxed); }

 private:
  std::uint16_t port_id_;
  Sink& sink_;
  Waiting waiting_;
  std::atomic<bool> stop_{false};
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_RECEIVER_H_
