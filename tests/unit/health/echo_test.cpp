// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/echo.h"

#include <gtest/gtest.h>

#include <vector>

namespace guideway::health {
namespace {

const EchoToken kToken = {0x12, 0x34, 0, 1, 'g', 'u', 'i', 'd', 'e', 'w', 'a', 'y'};

/// The sum of all 16-bit words of a message with a right checksum is 0xffff (RFC 1071).
std::uint16_t sum_of(const EchoMessage& message) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < message.size(); i += 2) {
    sum += static_cast<std::uint32_t>(message[i] * 256 + message[i + 1]);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::uint8_t> reply4(const EchoToken& token) {
  std::vector<std::uint8_t> packet(24, 0);  // a header with one option word
  packet[0] = 0x46;
  const EchoMessage request = echo_request(Family::kIpv4, token);
  packet.insert(packet.end(), request.begin(), request.end());
  packet[24] = 0;  // an answer
  return packet;
}

TEST(Echo, ARequestHasTypeTokenAndChecksum) {
  const EchoMessage request = echo_request(Family::kIpv4, kToken);
  EXPECT_EQ(request[0], 8);
  EXPECT_EQ(sum_of(request), 0xffff);
  EXPECT_EQ(echo_request(Family::kIpv6, kToken)[0], 128);
}

TEST(Echo, OnlyTheAnswerToThisRequestCounts) {
  const auto reply = reply4(kToken);
  EXPECT_TRUE(is_echo_reply(Family::kIpv4, kToken, reply.data(), reply.size()));
  EchoToken other = kToken;
  other[11] ^= 1;
  EXPECT_FALSE(is_echo_reply(Family::kIpv4, other, reply.data(), reply.size()));
  auto request = reply;
  request[24] = 8;
  EXPECT_FALSE(is_echo_reply(Family::kIpv4, kToken, request.data(), request.size()));

  EchoMessage reply6 = echo_request(Family::kIpv6, kToken);
  EXPECT_FALSE(is_echo_reply(Family::kIpv6, kToken, reply6.data(), reply6.size()));
  reply6[0] = 129;
  EXPECT_TRUE(is_echo_reply(Family::kIpv6, kToken, reply6.data(), reply6.size()));
}

TEST(Echo, BytesOfAnyLengthAreSafeToLookAt) {
  const auto whole = reply4(kToken);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_FALSE(is_echo_reply(Family::kIpv4, kToken, part.data(), part.size())) << size;
    EXPECT_FALSE(is_echo_reply(Family::kIpv6, kToken, part.data(), part.size())) << size;
  }
  auto lying = whole;
  for (int length = 0; length < 16; ++length) {
    lying[0] = static_cast<std::uint8_t>(0x40 + length);
    EXPECT_EQ(is_echo_reply(Family::kIpv4, kToken, lying.data(), lying.size()), length == 6);
  }
  auto longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(is_echo_reply(Family::kIpv4, kToken, longer.data(), longer.size()));
}

}  // namespace
}  // namespace guideway::health
