// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/mutations.h"

#include <algorithm>
#include <array>

namespace guideway::test {
namespace {

/// Values at which lengths, types and flags turn.
constexpr std::array<std::uint8_t, 12> kTurningPoints = {0x00, 0x01, 0x04, 0x06, 0x11, 0x2c,
                                                         0x45, 0x60, 0x7f, 0x80, 0x81, 0xff};
/// The headers, where a change has consequences.
constexpr std::size_t kHeaders = 90;

void insert_tag(Bytes& frame, std::uint8_t type) {
  const std::array<std::uint8_t, 4> tag = {type, static_cast<std::uint8_t>(type == 0x81 ? 0 : 0xa8),
                                           0x20, 0x07};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
}

}  // namespace

std::size_t Mutations::below(std::size_t limit) { return random_() % limit; }

Bytes Mutations::ordinary() {
  FrameSpec spec = below(2) ? FrameSpec{} : ipv6_spec();
  spec.source[3] = static_cast<std::uint8_t>(below(4));
  spec.source_port = static_cast<std::uint16_t>(40000 + below(16));
  if (below(3) == 0) {
    spec.protocol = GW_PROTO_UDP;
    spec.destination_port = below(2) ? 53 : 80;
  }
  constexpr std::array<std::uint8_t, 8> kFlags = {0x02, 0x10, 0x10, 0x10, 0x18, 0x11, 0x14, 0x12};
  spec.tcp_flags = kFlags[below(kFlags.size())];
  spec.ttl = below(16) ? 57 : static_cast<std::uint8_t>(below(3));
  spec.sequence = static_cast<std::uint32_t>(word());
  spec.acknowledgement = static_cast<std::uint32_t>(word());
  spec.data_length = static_cast<std::uint16_t>(below(8) ? below(40) : below(1500));
  Bytes frame = make_frame(spec);
  if (below(8) == 0) insert_tag(frame, 0x81);
  if (below(8) == 0) insert_tag(frame, below(2) ? 0x88 : 0x81);
  if (below(4) == 0) frame.resize(frame.size() + below(20));
  return frame;
}

Bytes Mutations::noise() {
  Bytes frame(shortest_ + below(below(4) ? 200 : longest_ - shortest_));
  for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(word());
  if (frame.size() > 14 && below(2)) {
    frame[0] = 2;
    frame[12] = below(2) ? 0x08 : 0x86;
    frame[13] = frame[12] == 0x08 ? 0x00 : 0xdd;
  }
  return frame;
}

void Mutations::change(Bytes& frame) {
  const std::size_t at = below(std::min(frame.size(), kHeaders));
  const auto place = frame.begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(7)) {
    case 0:
      *place ^= static_cast<std::uint8_t>(1 << below(8));
      break;
    case 1:
      *place = kTurningPoints[below(kTurningPoints.size())];
      break;
    case 2:
      *place = static_cast<std::uint8_t>(word());
      break;
    case 3:
      frame.resize(frame.size() - below(frame.size()));
      break;
    case 4:
      frame.resize(frame.size() + below(below(4) ? 100 : longest_));
      break;
    case 5:
      frame.insert(place, below(12) + 1, static_cast<std::uint8_t>(word()));
      break;
    default:
      frame.erase(place, place + static_cast<std::ptrdiff_t>(below(frame.size() - at)));
  }
}

Bytes Mutations::next() {
  const std::size_t kind = below(16);
  if (kind == 0) return noise();
  Bytes frame = kind < 4 && !examples_.empty() ? examples_[below(examples_.size())] : ordinary();
  for (std::size_t changes = below(2) ? 0 : below(5); changes > 0 && !frame.empty(); changes--)
    change(frame);
  frame.resize(std::clamp(frame.size(), shortest_, longest_));
  return frame;
}

}  // namespace guideway::test
