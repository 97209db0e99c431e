// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <algorithm>

namespace guideway::pktgen {
namespace {

constexpr std::uint32_t kShortLength = 3;

/// Step `step` of SYN, data, FIN.
TcpFlags short_flags(std::uint32_t step) {
  return step == 0 ? kSyn : step == 1 ? kPushAck : kFinAck;
}

/// Step `step` of SYN, ACK, data, FIN, ACK.
TcpFlags connection_flags(std::uint32_t step, std::uint32_t data) {
  if (step == 0) return kSyn;
  if (step == 1 || step == data + 3) return kAck;
  return step == data + 2 ? kFinAck : kPushAck;
}

/// Flows [first, first + count).
struct Range {
  std::uint32_t first;
  std::uint32_t count;
};

Mark mark_of(const Range& range, std::uint64_t turn, std::uint64_t sequence) {
  return {range.first + static_cast<std::uint32_t>(turn % range.count),
          static_cast<std::uint32_t>(sequence)};
}

Step flood(const Range& range, std::uint64_t number, TcpFlags flags) {
  return {mark_of(range, number, number / range.count), flags};
}

Step established(const Range& range, std::uint64_t number) {
  const std::uint64_t round = number / range.count;
  return {mark_of(range, number, round), round == 0 ? kSyn : kPushAck};
}

/// Where the n-th packet is in connections of `length` packets, `side_by_side` at a time.
struct Place {
  Mark mark;
  std::uint32_t step;
};
Place place_of(const Range& range, std::uint64_t number, std::uint32_t length,
               std::uint32_t side_by_side) {
  // No more than there are flows: a flow must not be connected twice at a time.
  side_by_side = std::min(range.count, side_by_side);
  const std::uint64_t in_all = std::uint64_t{side_by_side} * length;
  const std::uint64_t block = number / in_all;
  const auto in_block = static_cast<std::uint32_t>(number % in_all);
  const std::uint64_t connection = block * side_by_side + in_block % side_by_side;
  const std::uint32_t step = in_block / side_by_side;
  return {mark_of(range, connection, connection / range.count * length + step), step};
}

Step new_flows(const Range& range, std::uint64_t number, std::uint32_t side_by_side) {
  const Place place = place_of(range, number, kShortLength, side_by_side);
  return {place.mark, short_flags(place.step)};
}

Step connections(const TrafficSpec& spec, std::uint64_t number) {
  const Place place = place_of({0, spec.flows}, number, spec.data + 4, spec.side_by_side);
  return {place.mark, connection_flags(place.step, spec.data)};
}

Step mixed(const TrafficSpec& spec, std::uint64_t number) {
  const std::uint32_t eighth = spec.flows / 8;
  const Range established_flows{0, spec.flows - 2 * eighth};
  const Range short_flows{established_flows.count, eighth};
  const Range flood_flows{established_flows.count + eighth, eighth};
  const std::uint64_t turn = number / 16;
  const std::uint64_t place = number % 16;
  if (place < 12) return established(established_flows, turn * 12 + place);
  if (place < 15) return new_flows(short_flows, turn * 3 + place - 12, spec.side_by_side);
  return flood(flood_flows, turn, kSyn);
}

}  // namespace

Step TrafficPattern::step(std::uint64_t number) const {
  const Range all{0, spec_.flows};
  switch (spec_.traffic) {
    case Traffic::kSynFlood:
      return flood(all, number, kSyn);
    case Traffic::kAckFlood:
      return flood(all, number, kAck);
    case Traffic::kNew:
      return new_flows(all, number, spec_.side_by_side);
    case Traffic::kConnections:
      return connections(spec_, number);
    case Traffic::kEstablished:
      return established(all, number);
    case Traffic::kMixed:
      break;
  }
  return mixed(spec_, number);
}

std::uint32_t TrafficPattern::established_flows() const {
  if (spec_.traffic == Traffic::kEstablished) return spec_.flows;
  return spec_.traffic == Traffic::kMixed ? spec_.flows - 2 * (spec_.flows / 8) : 0;
}

}  // namespace guideway::pktgen
