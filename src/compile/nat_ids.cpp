// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/nat_ids.h"

#include <set>
#include <string>

namespace guideway::compile {

std::optional<std::uint16_t> NatIds::find(const IpAddress& address) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return std::nullopt;
  return found->second;
}

bool NatIds::restore(std::uint16_t plane, const IpAddress& address) {
  if (plane >= planes_ || by_address_.contains(address)) return false;
  for (const auto& [other, taken] : by_address_)
    if (taken == plane) return false;
  by_address_.emplace(address, plane);
  return true;
}

Result<NatIds> NatIds::with(const std::vector<IpAddress>& addresses) const {
  if (addresses.size() > planes_) {
    return base::fail(
        "the pools have " + std::to_string(addresses.size()) + " NAT addresses, more than the " +
        std::to_string(planes_) +
        " that the NAT table was made for: set capacity.nat_addresses and restart, or "
        "take fewer");
  }
  NatIds next(planes_);
  std::set<std::uint16_t> taken;
  for (const IpAddress& address : addresses) {
    const std::optional<std::uint16_t> plane = find(address);
    if (plane && next.restore(*plane, address)) taken.insert(*plane);
  }
  std::set<std::uint16_t> left;  // whose address is gone
  for (const auto& [address, plane] : by_address_)
    if (!taken.contains(plane)) left.insert(plane);
  for (const IpAddress& address : addresses) {
    if (next.find(address)) continue;
    std::uint16_t plane = 0;
    while (plane < planes_ && (taken.contains(plane) || left.contains(plane))) ++plane;
    if (plane == planes_) plane = left.extract(left.begin()).value();
    next.restore(plane, address);
    taken.insert(plane);
  }
  return next;
}

}  // namespace guideway::compile
