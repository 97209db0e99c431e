// SPDX-License-Identifier: Apache-2.0
#include "waiting.h"

#include <algorithm>

namespace guideway::control {

std::set<IpAddress> backend_addresses(const compile::BackendIds& ids) {
  std::set<IpAddress> addresses;
  for (const auto& [id, entry] : ids.entries()) addresses.insert(entry.key.address);
  return addresses;
}

bool all_known(const compile::NextHops& hops, const std::set<IpAddress>& addresses) {
  return std::all_of(addresses.begin(), addresses.end(), [&](const auto& address) {
    const auto hop = hops.find(address);
    return hop != hops.end() && hop->second.state != compile::NextHop::State::kResolving;
  });
}

bool same_hops(const compile::NextHops& one, const compile::NextHops& other,
               const std::set<IpAddress>& addresses) {
  const auto hop_in = [](const compile::NextHops& hops, const IpAddress& address) {
    const auto hop = hops.find(address);
    return hop == hops.end() ? compile::NextHop{} : hop->second;
  };
  return std::all_of(addresses.begin(), addresses.end(), [&](const auto& address) {
    return hop_in(one, address) == hop_in(other, address);
  });
}

}  // namespace guideway::control
