// SPDX-License-Identifier: Apache-2.0
// Pacer: how many packets are due. Time is an argument.
// Threading: one thread.
#ifndef GUIDEWAY_TOOLS_PKTGEN_PACER_H_
#define GUIDEWAY_TOOLS_PKTGEN_PACER_H_

#include <cstdint>

namespace guideway::pktgen {

class Pacer {
 public:
  /// What was missed for longer is not made up for: a burst of it would only overrun the receiver.
  static constexpr std::uint64_t kLongestDebt_ns = 10'000'000;

  /// 0: no limit.
  Pacer(std::uint64_t rate_pps, std::uint64_t start_ns)
      : rate_pps_(rate_pps), accounted_ns_(start_ns) {}

  /// Packets that may go now, at most `most`. They count as sent.
  unsigned take(std::uint64_t now_ns, unsigned most);

  /// Until the next packet is due; 0 if one is.
  std::uint64_t wait_ns(std::uint64_t now_ns) const;

 private:
  std::uint64_t rate_pps_;
  std::uint64_t accounted_ns_;
  /// Of a packet, in units of 1 / 10^9.
  std::uint64_t credit_ = 0;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_PACER_H_
