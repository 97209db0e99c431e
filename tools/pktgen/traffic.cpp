// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <algorithm>

namespace guideway::pktgen {
namespace {

constexpr std::uint32_t kSideBySide = 64;
constexpr TcpFlags kConnection[] = {kSyn, kPushAck, kFinAck};
constexpr std::uint32_t kConnectionLength = 3;

/// Flows [first, first + count).
struct Range {
  std::uint32_t first;
  std::uint32_t count;
};

Mark mark_of(const Range& range, std::uint64_t turn, std::uint64_t sequence) {
  return {range.first + static_cast<std::uint32_t>(turn % range.count),
          static_cast<std::uint32_t>(sequence)};
}

Step syn_flood(const Range& range, std::uint64_t number) {
  return {mark_of(range, number, number / range.count), kSyn};
}

Step established(const Range& range, std::uint64_t number) {
  const std::uint64_t round = number / range.count;
  return {mark_of(range, number, round), round == 0 ? kSyn : kPushAck};
}

Step new_flows(const Range& range, std::uint64_t number) {
  // No more than there are flows: a flow must not be connected twice at a time.
  const std::uint32_t side_by_side = std::min(range.count, kSideBySide);
  const std::uint64_t block = number / (side_by_side * kConnectionLength);
  const auto in_block = static_cast<std::uint32_t>(number % (side_by_side * kConnectionLength));
  const std::uint64_t connection = block * side_by_side + in_block % side_by_side;
  const std::uint32_t step = in_block / side_by_side;
  return {mark_of(range, connection, connection / range.count * kConnectionLength + step),
          kConnection[step]};
}

Step mixed(std::uint32_t flows, std::uint64_t number) {
  const std::uint32_t eighth = flows / 8;
  const Range established_flows{0, flows - 2 * eighth};
  const Range short_flows{established_flows.count, eighth};
  const Range flood_flows{established_flows.count + eighth, eighth};
  const std::uint64_t turn = number / 16;
  const std::uint64_t place = number % 16;
  if (place < 12) return established(established_flows, turn * 12 + place);
  if (place < 15) return new_flows(short_flows, turn * 3 + place - 12);
  return syn_flood(flood_flows, turn);
}

}  // namespace

TrafficPattern::TrafficPattern(Traffic traffic, std::uint32_t flows)
    : traffic_(traffic), flows_(flows) {}

Step TrafficPattern::step(std::uint64_t number) const {
  const Range all{0, flows_};
  switch (traffic_) {
    case Traffic::kSynFlood:
      return syn_flood(all, number);
    case Traffic::kNew:
      return new_flows(all, number);
    case Traffic::kEstablished:
      return established(all, number);
    case Traffic::kMixed:
      break;
  }
  return mixed(flows_, number);
}

}  // namespace guideway::pktgen
