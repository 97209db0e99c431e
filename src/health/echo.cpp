// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/echo.h"

#include <algorithm>

namespace guideway::health {
namespace {

constexpr std::uint8_t kRequest4 = 8;
constexpr std::uint8_t kReply4 = 0;
constexpr std::uint8_t kRequest6 = 128;
constexpr std::uint8_t kReply6 = 129;
constexpr std::size_t kTokenAt = 4;
constexpr std::size_t kLeastIpv4Header = 20;

std::uint16_t checksum(const EchoMessage& message) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < message.size(); i += 2)
    sum += static_cast<std::uint32_t>(message[i] << 8 | message[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

EchoMessage echo_request(Family family, const EchoToken& token) {
  EchoMessage message{};
  message[0] = family == Family::kIpv4 ? kRequest4 : kRequest6;
  std::copy(token.begin(), token.end(), message.begin() + kTokenAt);
  if (family == Family::kIpv4) {
    const std::uint16_t sum = checksum(message);
    message[2] = static_cast<std::uint8_t>(sum >> 8);
    message[3] = static_cast<std::uint8_t>(sum);
  }
  return message;
}

bool is_echo_reply(Family family, const EchoToken& token, const std::uint8_t* bytes,
                   std::size_t size) {
  if (family == Family::kIpv4) {
    if (size < kLeastIpv4Header) return false;
    const std::size_t header = std::size_t{bytes[0]} % 16 * 4;
    if (header < kLeastIpv4Header || size < header) return false;
    bytes += header;
    size -= header;
  }
  const std::uint8_t type = family == Family::kIpv4 ? kReply4 : kReply6;
  return size == EchoMessage{}.size() && bytes[0] == type && bytes[1] == 0 &&
         std::equal(token.begin(), token.end(), bytes + kTokenAt);
}

}  // namespace guideway::health
