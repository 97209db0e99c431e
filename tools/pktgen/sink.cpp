// SPDX-License-Identifier: Apache-2.0
#include "sink.h"

#include <cstring>
#include <utility>

#include "packet.h"

namespace guideway::pktgen {
namespace {

constexpr std::size_t kTcpFlags = 13;

const std::uint8_t* source_of(const ClientPacket& packet) {
  return &packet.bytes[packet.family == Family::kIpv4 ? 12 : 8];
}

/// The generator sends no options and no extension headers.
bool has_plain_header(const ClientPacket& packet) {
  return packet.family == Family::kIpv6 || packet.bytes[0] == 0x45;
}

std::size_t ip_length(const ClientPacket& packet) {
  return packet.family == Family::kIpv4 ? load_be16(&packet.bytes[2])
                                        : 40u + load_be16(&packet.bytes[4]);
}

bool has_tuple(const ClientPacket& packet, const Flow& flow) {
  if (flow.destination.family() != packet.family) return false;
  const std::size_t size = flow.source.size();
  const std::uint8_t* addresses = source_of(packet);
  const std::uint8_t* ports = &packet.bytes[ip_header_length(packet.family)];
  return std::memcmp(addresses, flow.source.bytes().data(), size) == 0 &&
         std::memcmp(addresses + size, flow.destination.bytes().data(), size) == 0 &&
         load_be16(ports) == flow.source_port && load_be16(ports + 2) == flow.destination_port;
}

void check_ip_header(const ClientPacket& packet, Between between, Faults& faults) {
  const ByteSpan bytes = packet.bytes;
  const std::uint8_t ttl = between == Between::kRouter ? kSentTtl - 1 : kSentTtl;
  faults.add_if(bytes[packet.family == Family::kIpv4 ? 8 : 7] != ttl, Fault::kTtl);
  if (packet.family == Family::kIpv6) {
    // Traffic class and flow label, which no checksum covers, were 0.
    faults.add_if(load_be32(&bytes[0]) != 6u << 28, Fault::kIpHeader);
    return;
  }
  Checksum checksum;
  checksum.add(bytes.first(20));
  faults.add_if(checksum.folded() != 0xffff, Fault::kIpChecksum);
}

/// What its sender's flags were, as far as they decide its size; a changed flag shows in the
/// checksum too.
TcpFlags flags_of(ByteSpan segment) {
  const std::uint8_t flags = segment[kTcpFlags];
  return flags == kSyn || flags == kAck ? static_cast<TcpFlags>(flags) : kPushAck;
}

}  // namespace

Sink::Sink(FlowSpace flows, std::uint32_t flow_count, Sizes sizes, Mac gateway, Between between)
    : flows_(std::move(flows)),
      sizes_(sizes),
      gateway_(gateway),
      between_(between),
      memory_(flow_count) {}

void Sink::take(ByteSpan frame, std::uint64_t now_ns) {
  const auto packet = find_client_packet(frame, flows_);
  if (!packet) return counts_.foreign.add();
  if (between_ == Between::kRouter &&
      std::memcmp(frame.data(), gateway_.bytes.data(), gateway_.bytes.size()) == 0) {
    return counts_.outgoing.add();
  }
  const std::size_t header_length = ip_header_length(packet->family);
  const std::size_t needed = header_length + shortest_segment(flows_.protocol());
  Faults unreadable;
  if (packet->bytes.size() < needed || !has_plain_header(*packet)) {
    unreadable.add(Fault::kIpHeader);
  } else {
    const auto mark = read_mark(&packet->bytes[header_length], flows_.protocol(), flows_.seed());
    if (mark && mark->flow < memory_.flows()) {
      const Faults faults = check(*packet, *mark);
      if (faults.any()) count_corrupt(faults);
      const bool is_new = record(*packet, *mark);
      if (is_new && !faults.any()) time(*packet, now_ns);
      return;
    }
    unreadable.add(Fault::kMark);
  }
  // Somebody else may use the service too.
  if (!FlowSpace::is_client(packet->family, source_of(*packet))) return counts_.foreign.add();
  count_corrupt(unreadable);
}

/// REQUIRES: the header is plain, and the shortest segment is there.
Faults Sink::check(const ClientPacket& packet, const Mark& mark) const {
  Faults faults = packet.faults;
  check_ip_header(packet, between_, faults);
  faults.add_if(!has_tuple(packet, flows_.flow(mark.flow)), Fault::kAddresses);
  const std::size_t header_length = ip_header_length(packet.family);
  const std::size_t length = ip_length(packet);
  if (length > packet.bytes.size() ||
      length < header_length + shortest_segment(flows_.protocol())) {
    faults.add(Fault::kLength);
    return faults;
  }
  const ByteSpan segment = packet.bytes.subspan(header_length, length - header_length);
  const Step step{mark, flags_of(segment)};
  faults.add_if(length != sizes_.ip_length(step, packet.family, flows_.protocol()), Fault::kLength);
  const ByteSpan addresses{source_of(packet), packet.family == Family::kIpv4 ? 8u : 32u};
  faults.add_if(segment_sum(flows_.protocol(), addresses, segment) != 0xffff,
                Fault::kSegmentChecksum);
  return faults;
}

bool Sink::record(const ClientPacket& packet, const Mark& mark) {
  const std::uint16_t number = backends_.number_of(packet.backend);
  const FlowMemory::Seen seen = memory_.see(mark, number);
  BackendTotals& backend = backends_.totals(number);
  backend.packets++;
  backend.bytes += packet.bytes.size();
  if (seen.first_of_flow) {
    backend.flows++;
    counts_.flows_seen.add();
  }
  if (seen.moved) counts_.moves.add();
  if (seen.flow_moved) counts_.flows_moved.add();
  if (seen.late) {
    counts_.late.add();
    late_by_.add(seen.late_by);
  }
  (seen.duplicate ? counts_.duplicates : counts_.received).add();
  return !seen.duplicate;
}

/// REQUIRES: the packet is what was sent.
void Sink::time(const ClientPacket& packet, std::uint64_t now_ns) {
  const ByteSpan segment = packet.bytes.subspan(ip_header_length(packet.family));
  if (!sizes_.has_stamp(flags_of(segment), flows_.protocol())) return;
  latency_.add(ns_since_stamp(segment.data(), flows_.protocol(), now_ns));
}

void Sink::count_corrupt(const Faults& faults) {
  counts_.corrupt.add();
  for (std::size_t i = 0; i < kFaultCount; i++) {
    if (faults.has(static_cast<Fault>(i))) counts_.faults[i].add();
  }
}

}  // namespace guideway::pktgen
