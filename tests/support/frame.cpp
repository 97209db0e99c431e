// SPDX-License-Identifier: Apache-2.0
#include "tests/support/frame.h"

#include <algorithm>
#include <initializer_list>

namespace guideway::test {
namespace {

/// Appends in network order.
class Writer {
 public:
  void u8(std::uint32_t value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(std::uint32_t value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }
  void raw(std::span<const std::uint8_t> value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  Bytes& bytes() { return bytes_; }

 private:
  Bytes bytes_;
};

constexpr std::size_t kEthernetLength = 14;
constexpr std::size_t kIpv4Length = 20;

std::uint32_t l4_length(const FrameSpec& spec) {
  return (spec.protocol == GW_PROTO_TCP ? 20u : 8u) + spec.data_length;
}

void write_ethernet(Writer& writer, const FrameSpec& spec) {
  for (const std::uint32_t byte : {0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0xfe}) writer.u8(byte);
  writer.u16(spec.family == GW_FAMILY_4 ? 0x0800 : 0x86dd);
}

void write_ipv4(Writer& writer, const FrameSpec& spec) {
  writer.u16(0x4500);
  writer.u16(kIpv4Length + l4_length(spec));
  writer.u16(0x1234);
  writer.u16(0);
  writer.u8(spec.ttl);
  writer.u8(spec.protocol);
  writer.u16(0);
  writer.raw(std::span(spec.source).first(4));
  writer.raw(std::span(spec.destination).first(4));
  const std::span header = std::span(writer.bytes()).subspan(kEthernetLength, kIpv4Length);
  const std::uint16_t checksum = static_cast<std::uint16_t>(~internet_sum(header));
  header[10] = static_cast<std::uint8_t>(checksum >> 8);
  header[11] = static_cast<std::uint8_t>(checksum);
}

void write_ipv6(Writer& writer, const FrameSpec& spec) {
  writer.u32(0x60000000);
  writer.u16(l4_length(spec));
  writer.u8(spec.protocol);
  writer.u8(spec.ttl);
  writer.raw(spec.source);
  writer.raw(spec.destination);
}

void write_l4(Writer& writer, const FrameSpec& spec) {
  writer.u16(spec.source_port);
  writer.u16(spec.destination_port);
  if (spec.protocol == GW_PROTO_TCP) {
    writer.u32(spec.sequence);
    writer.u32(spec.acknowledgement);
    writer.u16(0x5000u | spec.tcp_flags);
    writer.u16(0xffff);
    writer.u32(0);
  } else {
    writer.u16(l4_length(spec));
    writer.u16(0);
  }
  for (std::uint32_t i = 0; i < spec.data_length; ++i) writer.u8('a' + i % 26);
}

}  // namespace

Frame::Frame(std::span<const std::uint8_t> bytes, std::size_t headroom, std::size_t tailroom)
    : buffer_(std::make_unique<std::uint8_t[]>(headroom + bytes.size() + tailroom)) {
  packet_.head_limit = buffer_.get();
  packet_.data = packet_.head_limit + headroom;
  packet_.end = std::copy(bytes.begin(), bytes.end(), packet_.data);
  packet_.tail_limit = packet_.end + tailroom;
}

bool Frame::is_inside_buffer() const {
  return packet_.head_limit == buffer_.get() && packet_.data >= packet_.head_limit &&
         packet_.end >= packet_.data && packet_.end <= packet_.tail_limit;
}

FrameSpec ipv6_spec() {
  return {.family = GW_FAMILY_6,
          .source = {0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7},
          .destination = {0x20, 1, 0x0d, 0xb8, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10}};
}

Bytes make_frame(const FrameSpec& spec) {
  Writer writer;
  write_ethernet(writer, spec);
  if (spec.family == GW_FAMILY_4) {
    write_ipv4(writer, spec);
  } else {
    write_ipv6(writer, spec);
  }
  write_l4(writer, spec);
  return writer.bytes();
}

std::uint16_t internet_sum(std::span<const std::uint8_t> bytes, std::uint32_t start) {
  std::uint64_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += std::uint64_t{bytes[i]} << (i % 2 ? 0 : 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace guideway::test
