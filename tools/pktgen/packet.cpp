// SPDX-License-Identifier: Apache-2.0
#include "packet.h"

#include <array>
#include <cstring>
#include <utility>

namespace guideway::pktgen {
namespace {

constexpr std::uint16_t kDoNotFragment = 0x4000;
constexpr unsigned kLongestSegment = 9000;

/// What fills a segment: each byte is its place.
constexpr auto kFilling = [] {
  std::array<std::uint8_t, kLongestSegment> bytes{};
  for (unsigned i = 0; i < bytes.size(); i++) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}();

void write_ipv4(std::uint8_t* ip, const Flow& flow, unsigned length, Protocol protocol,
                std::uint32_t id) {
  ip[0] = 0x45;
  ip[1] = 0;
  store_be16(ip + 2, length);
  store_be16(ip + 4, id);
  store_be16(ip + 6, kDoNotFragment);
  ip[8] = kSentTtl;
  ip[9] = static_cast<std::uint8_t>(protocol);
  store_be16(ip + 10, 0);
  std::memcpy(ip + 12, flow.source.bytes().data(), 4);
  std::memcpy(ip + 16, flow.destination.bytes().data(), 4);
  Checksum checksum;
  checksum.add({ip, 20});
  store_be16(ip + 10, checksum.value());
}

void write_ipv6(std::uint8_t* ip, const Flow& flow, unsigned length, Protocol protocol) {
  store_be32(ip, 6u << 28);
  store_be16(ip + 4, length - 40);
  ip[6] = static_cast<std::uint8_t>(protocol);
  ip[7] = kSentTtl;
  std::memcpy(ip + 8, flow.source.bytes().data(), 16);
  std::memcpy(ip + 24, flow.destination.bytes().data(), 16);
}

/// Header without mark and checksum, and the filling behind them.
void write_segment(std::uint8_t* segment, unsigned length, const Flow& flow, Protocol protocol,
                   TcpFlags flags) {
  const unsigned used = shortest_segment(protocol);
  std::memset(segment, 0, used);
  store_be16(segment, flow.source_port);
  store_be16(segment + 2, flow.destination_port);
  if (protocol == Protocol::kTcp) {
    segment[12] = 5 << 4;
    segment[13] = flags;
  } else {
    store_be16(segment + 4, length);
  }
  std::memcpy(segment + used, kFilling.data() + used, length - used);
}

}  // namespace

std::uint16_t segment_sum(Protocol protocol, ByteSpan addresses, ByteSpan segment) {
  Checksum checksum;
  checksum.add(addresses);
  checksum.add_be16(static_cast<std::uint16_t>(protocol));
  checksum.add_be16(static_cast<std::uint16_t>(segment.size()));
  checksum.add(segment);
  return checksum.folded();
}

PacketBuilder::PacketBuilder(FlowSpace flows, Sizes sizes, Mac source, Mac gateway)
    : flows_(std::move(flows)), sizes_(sizes), source_(source), gateway_(gateway) {}

unsigned PacketBuilder::build(const Step& step, std::uint8_t* frame, std::uint64_t now_ns) const {
  const Flow flow = flows_.flow(step.mark.flow);
  const Protocol protocol = flows_.protocol();
  const Family family = flow.destination.family();
  const unsigned length = sizes_.ip_length(step, family, protocol);
  std::memcpy(frame, gateway_.bytes.data(), 6);
  std::memcpy(frame + 6, source_.bytes.data(), 6);
  store_be16(frame + 12, family == Family::kIpv4 ? 0x0800 : 0x86dd);

  std::uint8_t* ip = frame + kEthernetLength;
  const unsigned header_length = ip_header_length(family);
  if (family == Family::kIpv4) {
    write_ipv4(ip, flow, length, protocol, step.mark.sequence);
  } else {
    write_ipv6(ip, flow, length, protocol);
  }
  std::uint8_t* segment = ip + header_length;
  const unsigned segment_length = length - header_length;
  write_segment(segment, segment_length, flow, protocol, step.flags);
  write_mark(segment, protocol, flows_.seed(), step.mark);
  if (sizes_.has_stamp(step.flags, protocol)) write_stamp(segment, protocol, now_ns);
  const unsigned addresses_length = 2 * static_cast<unsigned>(flow.source.size());
  auto checksum = static_cast<std::uint16_t>(~segment_sum(
      protocol, {segment - addresses_length, addresses_length}, {segment, segment_length}));
  if (protocol == Protocol::kUdp && checksum == 0) checksum = 0xffff;  // 0 would mean "none"
  store_be16(segment + (protocol == Protocol::kTcp ? 16 : 6), checksum);

  const unsigned frame_length = kEthernetLength + length;
  if (frame_length >= kShortestFrame) return frame_length;
  std::memset(frame + frame_length, 0, kShortestFrame - frame_length);
  return kShortestFrame;
}

}  // namespace guideway::pktgen
