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

}  // namespace guideway::control
