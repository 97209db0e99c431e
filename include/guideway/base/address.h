// SPDX-License-Identifier: Apache-2.0
// IP addresses, prefixes and MAC addresses as values.
// Threading: values.
// Source: text forms RFC 5952 (IPv6), RFC 4632 (prefixes).
#ifndef GUIDEWAY_BASE_ADDRESS_H_
#define GUIDEWAY_BASE_ADDRESS_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "guideway/base/result.h"

namespace guideway::base {

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

/// An IPv4 or IPv6 address. `bytes` are in network order; IPv4 uses the first four, the rest are 0.
class IpAddress {
 public:
  /// 0.0.0.0
  IpAddress() = default;
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  /// 0.0.0.0 or ::
  static IpAddress unspecified(Family family) {
    return family == Family::kIpv4 ? IpAddress() : v6({});
  }
  /// From `size` bytes in network order; size is 4 or 16, anything else gives an error.
  static Result<IpAddress> from_bytes(const void* bytes, std::size_t size);
  /// "10.0.0.1" or "2001:db8::1"; no zone, no prefix length, no surrounding space. IPv4-mapped IPv6
  /// is refused: say the IPv4 address.
  static Result<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::kIpv4; }
  /// 4 or 16.
  std::size_t size() const { return is_v4() ? 4 : 16; }
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_link_local() const;
  std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::kIpv4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with a prefix length: "198.51.100.2/24". Host bits are kept.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 32;

  static Result<IpPrefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const;
  std::string to_string() const;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// An address with a TCP or UDP port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "127.0.0.1:9641" or "[::1]:9641".
  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A 48-bit MAC address.
struct Mac {
  std::array<std::uint8_t, 6> bytes{};

  /// "02:67:77:00:00:01".
  static Result<Mac> parse(std::string_view text);
  bool is_zero() const { return bytes == std::array<std::uint8_t, 6>{}; }
  std::string to_string() const;
  friend auto operator<=>(const Mac&, const Mac&) = default;
};

}  // namespace guideway::base

namespace guideway {
using base::Endpoint;
using base::Family;
using base::IpAddress;
using base::IpPrefix;
using base::Mac;
}  // namespace guideway

template <>
struct std::hash<guideway::base::IpAddress> {
  std::size_t operator()(const guideway::base::IpAddress& address) const noexcept;
};

#endif  // GUIDEWAY_BASE_ADDRESS_H_
