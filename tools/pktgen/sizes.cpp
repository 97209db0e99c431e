// SPDX-License-Identifier: Apache-2.0
#include "sizes.h"

#include <algorithm>

namespace guideway::pktgen {
namespace {

constexpr unsigned kEthernetOverhead = 18;
constexpr unsigned kSmall = 64 - kEthernetOverhead;
constexpr unsigned kMiddle = 594 - kEthernetOverhead;
constexpr unsigned kLarge = 1518 - kEthernetOverhead;

unsigned imix(const Mark& mark) {
  const std::uint64_t draw = mix(std::uint64_t{mark.flow} << 32 | mark.sequence) % 12;
  if (draw < 7) return kSmall;
  return draw < 11 ? kMiddle : kLarge;
}

}  // namespace

unsigned Sizes::ip_length(const Step& step, Family family, Protocol protocol) const {
  const unsigned shortest = ip_header_length(family) + shortest_segment(protocol) +
                            (has_stamp(step.flags, protocol) ? kStampLength : 0);
  if (protocol == Protocol::kTcp && !carries_data(step.flags)) return shortest;
  unsigned length = mtu;
  if (size == Size::k64) length = kSmall;
  if (size == Size::kImix) length = imix(step.mark);
  return std::max(shortest, std::min(length, mtu));
}

}  // namespace guideway::pktgen
