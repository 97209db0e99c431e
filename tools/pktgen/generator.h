// SPDX-License-Identifier: Apache-2.0
// Generator: sends the traffic on one device.
// Threading: run() on a thread of its own; stop() and the counts from any.
#ifndef GUIDEWAY_TOOLS_PKTGEN_GENERATOR_H_
#define GUIDEWAY_TOOLS_PKTGEN_GENERATOR_H_

#include <atomic>
#include <cstdint>

#include "packet.h"
#include "sink.h"
#include "traffic_source.h"
#include "waiting.h"

struct rte_mbuf;
struct rte_mempool;

namespace guideway::pktgen {

class Generator {
 public:
  Generator(std::uint16_t port_id, rte_mempool* buffers, PacketBuilder builder,
            TrafficSource traffic, std::uint64_t rate_pps, Waiting waiting);

  /// Sends until stop().
  void run();
  void stop() { stop_.store(true, std::memory_order_relaxed); }

  std::uint64_t sent() const { return sent_.get(); }
  std::uint64_t bytes_sent() const { return bytes_sent_.get(); }
  /// Times that the device, or the pool, had no room.
  std::uint64_t device_busy() const { return device_busy_.get(); }
  /// From the first packet to the last. To be read after run().
  double seconds() const { return seconds_; }

 private:
  static constexpr unsigned kBurst = 32;

  bool is_stopped() const { return stop_.load(std::memory_order_relaxed); }
  void wait_for_room();
  void send(unsigned count);
  void fill(rte_mbuf& buffer, std::uint64_t now);

  std::uint16_t port_id_;
  rte_mempool* buffers_;
  PacketBuilder builder_;
  TrafficSource traffic_;
  std::uint64_t rate_pps_;
  Waiting waiting_;
  double seconds_ = 0;
  std::atomic<bool> stop_{false};
  Count sent_;
  Count bytes_sent_;
  Count device_busy_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_GENERATOR_H_
