// SPDX-License-Identifier: Apache-2.0
// What one decapsulator is to do: from whom it takes tunnel packets, for which VIPs, of which
// kinds. Threading: values.
#ifndef GUIDEWAY_DECAP_SETTINGS_H_
#define GUIDEWAY_DECAP_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::decap {

/// Which kinds of tunnels are ended; the others' packets pass.
struct Tunnels {
  bool ipip = true;
  bool gre = true;
  bool gue = true;
  bool vxlan = true;
  friend bool operator==(const Tunnels&, const Tunnels&) = default;
};

struct Settings {
  /// Outer sources that are believed: the directors.
  std::vector<IpPrefix> from;
  /// Inner destinations.
  std::vector<IpPrefix> vips;
  /// Outer destinations: the addresses of the device, or others of this host.
  std::vector<IpAddress> local;
  /// Every address and broadcast address of this host: never an inner source.
  std::vector<IpAddress> host;
  Tunnels tunnels;
  std::uint16_t gue_port = 6080;
  std::uint16_t vxlan_port = 4789;
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// More prefixes or addresses of one kind are refused: the lists are the operator's, not a feed.
inline constexpr std::size_t kMaxEntries = 4096;

/// "10.0.0.0/24", or an address alone for that address only. Bits beyond the length are an error,
/// and so are multicast, loopback and IPv4-mapped prefixes: no packet that counts has such
/// addresses.
Result<IpPrefix> parse_prefix(std::string_view text);

/// "ipip,gre": the named kinds and no others.
Result<Tunnels> parse_tunnels(std::string_view text);
/// The inverse.
std::string to_string(const Tunnels& tunnels);

/// Whether the settings make sense together.
Result<void> check(const Settings& settings);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_SETTINGS_H_
