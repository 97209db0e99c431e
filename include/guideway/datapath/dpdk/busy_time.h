// SPDX-License-Identifier: Apache-2.0
// BusyTime: how much of its time a worker spends on packets. A round that handled one counts as
// busy from its begin to the begin of the next; so a worker that polls for nothing is idle, though
// its CPU is not.
// Threading: the worker calls round(); busy_ns() and total_ns() run on any thread.
#ifndef GUIDEWAY_DATAPATH_DPDK_BUSY_TIME_H_
#define GUIDEWAY_DATAPATH_DPDK_BUSY_TIME_H_

#include <atomic>
#include <cstdint>

namespace guideway::datapath::dpdk {

class BusyTime {
 public:
  /// `hz`: of the clock that counts the cycles.
  explicit BusyTime(std::uint64_t hz) : hz_(hz != 0 ? hz : 1) {}

  /// The first round begins.
  void begin(std::uint64_t cycles) { last_ = cycles; }
  /// A round has ended, at `cycles`, with so many packets.
  void round(std::uint64_t cycles, unsigned packets) {
    const std::uint64_t took = cycles - last_;
    last_ = cycles;
    // Only this thread writes: no read-modify-write is needed.
    if (packets != 0)
      busy_.store(busy_.load(std::memory_order_relaxed) + took, std::memory_order_relaxed);
    total_.store(total_.load(std::memory_order_relaxed) + took, std::memory_order_relaxed);
  }

  std::uint64_t busy_ns() const { return to_ns(busy_.load(std::memory_order_relaxed)); }
  std::uint64_t total_ns() const { return to_ns(total_.load(std::memory_order_relaxed)); }

 private:
  /// Without the overflow that cycles * 10^9 has after seconds.
  std::uint64_t to_ns(std::uint64_t cycles) const {
    constexpr std::uint64_t kNsPerS = 1'000'000'000;
    return cycles / hz_ * kNsPerS + cycles % hz_ * kNsPerS / hz_;
  }

  const std::uint64_t hz_;
  std::uint64_t last_ = 0;
  std::atomic<std::uint64_t> busy_{0};
  std::atomic<std::uint64_t> total_{0};
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_BUSY_TIME_H_
