// SPDX-License-Identifier: Apache-2.0
// ICMP echo messages: the bytes of a request, and whether bytes are the answer to it.
// Threading: no state.
// Source: RFC 792 (echo), RFC 4443 §4 (echo for IPv6), RFC 1071 (checksum).
#ifndef GUIDEWAY_HEALTH_ECHO_H_
#define GUIDEWAY_HEALTH_ECHO_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "guideway/base/address.h"

namespace guideway::health {

/// Tells one probe's answer from all others'.
using EchoToken = std::array<std::uint8_t, 12>;
/// Type, code, checksum, and the token in place of identifier, sequence number and data.
using EchoMessage = std::array<std::uint8_t, 16>;

/// With its checksum for IPv4; for IPv6 the kernel computes it.
EchoMessage echo_request(Family family, const EchoToken& token);

/// What a raw socket received: for IPv4 with the IP header.
bool is_echo_reply(Family family, const EchoToken& token, const std::uint8_t* bytes,
                   std::size_t size);

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_ECHO_H_
