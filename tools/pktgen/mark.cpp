// SPDX-License-Identifier: Apache-2.0
#include "mark.h"

namespace guideway::pktgen {
namespace {

constexpr std::uint32_t kMagic = 0xa7;
constexpr unsigned kFlowBits = 24;
static_assert(kMostFlows <= 1u << kFlowBits);

struct Offsets {
  unsigned sequence;
  unsigned flow;
  unsigned check;
};
constexpr Offsets kTcp = {4, 8, 14};
constexpr Offsets kUdp = {8, 12, 16};

const Offsets& offsets_of(Protocol protocol) { return protocol == Protocol::kTcp ? kTcp : kUdp; }

std::uint16_t check_of(std::uint64_t seed, const Mark& mark) {
  const std::uint64_t both = std::uint64_t{mark.flow} << 32 | mark.sequence;
  return static_cast<std::uint16_t>(mix(mix(seed) ^ both));
}

}  // namespace

void write_mark(std::uint8_t* segment, Protocol protocol, std::uint64_t seed, const Mark& mark) {
  const Offsets& at = offsets_of(protocol);
  store_be32(segment + at.sequence, mark.sequence);
  store_be32(segment + at.flow, kMagic << kFlowBits | mark.flow);
  store_be16(segment + at.check, check_of(seed, mark));
}

std::optional<Mark> read_mark(const std::uint8_t* segment, Protocol protocol, std::uint64_t seed) {
  const Offsets& at = offsets_of(protocol);
  const std::uint32_t flow = load_be32(segment + at.flow);
  if (flow >> kFlowBits != kMagic) return std::nullopt;
  const Mark mark{flow & ((1u << kFlowBits) - 1), load_be32(segment + at.sequence)};
  if (load_be16(segment + at.check) != check_of(seed, mark)) return std::nullopt;
  return mark;
}

void write_stamp(std::uint8_t* segment, Protocol protocol, std::uint64_t now_ns) {
  std::uint8_t* stamp = segment + shortest_segment(protocol);
  store_be16(stamp, static_cast<std::uint16_t>(now_ns >> 32));
  store_be32(stamp + 2, static_cast<std::uint32_t>(now_ns));
}

std::uint64_t ns_since_stamp(const std::uint8_t* segment, Protocol protocol, std::uint64_t now_ns) {
  constexpr unsigned kBits = 8 * kStampLength;
  const std::uint8_t* stamp = segment + shortest_segment(protocol);
  const std::uint64_t sent_ns = std::uint64_t{load_be16(stamp)} << 32 | load_be32(stamp + 2);
  const std::uint64_t passed = (now_ns - sent_ns) & ((std::uint64_t{1} << kBits) - 1);
  return passed >> (kBits - 1) == 0 ? passed : 0;
}

}  // namespace guideway::pktgen
