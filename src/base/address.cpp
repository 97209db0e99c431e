// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "guideway/base/text.h"

namespace guideway::base {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// No text form of an address is longer; anything longer is refused before it is copied.
constexpr std::size_t kMaxAddressText = 64;

tl::unexpected<Error> not_an_address(std::string_view text) {
  return fail(quoted(text) +
              " is not an IP address: write for example \"10.0.0.1\" or \"2001:db8::1\"");
}

bool parse_hex_byte(std::string_view text, std::uint8_t& byte) {
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, byte, 16);
  return error == std::errc{} && last == end;
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress address;
  address.family_ = Family::kIpv6;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::from_bytes(const void* bytes, std::size_t size) {
  if (size != 4 && size != 16) {
    return fail("an IP address has 4 or 16 bytes, not " + std::to_string(size));
  }
  IpAddress address;
  address.family_ = size == 4 ? Family::kIpv4 : Family::kIpv6;
  std::memcpy(address.bytes_.data(), bytes, size);
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton reads up to a NUL: one inside the text would hide what follows.
  if (text.size() > kMaxAddressText || text.find('\0') != std::string_view::npos) {
    return not_an_address(text);
  }
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) {
    return address;
  }
  address.family_ = Family::kIpv6;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) != 1) {
    return not_an_address(text);
  }
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin())) {
    return fail(quoted(text) + " is an IPv4 address in IPv6 form: write the IPv4 address");
  }
  return address;
}

bool IpAddress::is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }

bool IpAddress::is_loopback() const {
  if (is_v4()) {
    return bytes_[0] == 127;
  }
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.begin() + 15,
                                        [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return fail(quoted(text) + " has no prefix length: write for example \"198.51.100.2/24\"");
  }
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return tl::unexpected(address.error());
  }
  const std::string_view digits = text.substr(slash + 1);
  const unsigned longest = address->is_v4() ? 32 : 128;
  unsigned length = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, length);
  if (error != std::errc{} || last != end || length > longest) {
    return fail(quoted(text) + " has a wrong prefix length: allowed is 0 to " +
                std::to_string(longest));
  }
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [text] {
    return fail(quoted(text) +
                " is not an address and port: write for example \"127.0.0.1:9641\" " +
                "or \"[::1]:9641\"");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, port);
  if (!address || address->is_v4() == bracketed || error != std::errc{} || last != end)
    return wrong();
  return Endpoint{*address, port};
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

bool IpPrefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) {
    return false;
  }
  const std::size_t whole_bytes = length / 8;
  const unsigned rest_bits = length % 8;
  if (!std::equal(address.bytes().begin(), address.bytes().begin() + whole_bytes,
                  other.bytes().begin())) {
    return false;
  }
  if (rest_bits == 0) {
    return true;
  }
  const unsigned difference = address.bytes()[whole_bytes] ^ other.bytes()[whole_bytes];
  return (difference >> (8 - rest_bits)) == 0;
}

std::string IpPrefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

Result<Mac> Mac::parse(std::string_view text) {
  constexpr std::size_t kTextSize = 17;
  Mac mac;
  bool good = text.size() == kTextSize;
  for (std::size_t i = 0; good && i < mac.bytes.size(); ++i) {
    const bool separated = i == 0 || text[3 * i - 1] == ':';
    good = separated && parse_hex_byte(text.substr(3 * i, 2), mac.bytes[i]);
  }
  if (!good) {
    return fail(quoted(text) + " is not a MAC address: write for example \"02:67:77:00:00:01\"");
  }
  return mac;
}

std::string Mac::to_string() const {
  char buffer[18];
  std::snprintf(buffer, sizeof buffer, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
                bytes[2], bytes[3], bytes[4], bytes[5]);
  return buffer;
}

}  // namespace guideway::base

std::size_t std::hash<guideway::base::IpAddress>::operator()(
    const guideway::base::IpAddress& address) const noexcept {
  // Not against attackers: the keys of our maps come from the operator.
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, address.bytes().data(), sizeof low);
  std::memcpy(&high, address.bytes().data() + sizeof low, sizeof high);
  std::uint64_t mixed = (low ^ (high * 0x9e3779b97f4a7c15u)) + address.size();
  mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93u;
  return mixed ^ (mixed >> 32);
}
