// SPDX-License-Identifier: Apache-2.0
#include "pacer.h"

#include <algorithm>

namespace guideway::pktgen {
namespace {

constexpr std::uint64_t kSecond_ns = 1'000'000'000;
/// A packet, in units of credit: what one packet per second earns in a second.
constexpr std::uint64_t kPacket = kSecond_ns;

}  // namespace

unsigned Pacer::take(std::uint64_t now_ns, unsigned most) {
  if (rate_pps_ == 0) return most;
  if (now_ns > accounted_ns_) {
    // A second of any rate fits the credit's 64 bits.
    credit_ += std::min(now_ns - accounted_ns_, kSecond_ns) * rate_pps_;
    accounted_ns_ = now_ns;
    credit_ = std::min(credit_, std::max(kLongestDebt_ns * rate_pps_, kPacket));
  }
  const auto due = static_cast<unsigned>(std::min<std::uint64_t>(credit_ / kPacket, most));
  credit_ -= due * kPacket;
  return due;
}

std::uint64_t Pacer::wait_ns(std::uint64_t now_ns) const {
  if (rate_pps_ == 0 || credit_ >= kPacket) return 0;
  const std::uint64_t missing_ns = (kPacket - credit_ + rate_pps_ - 1) / rate_pps_;
  const std::uint64_t passed_ns = now_ns > accounted_ns_ ? now_ns - accounted_ns_ : 0;
  return missing_ns > passed_ns ? missing_ns - passed_ns : 0;
}

}  // namespace guideway::pktgen
