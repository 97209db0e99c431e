// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/route_queue.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

namespace guideway::netlink {
namespace {

/// The prefix's first address: host bits cleared. The kernel sends them cleared, but does not
/// promise.
IpAddress first_address(const IpPrefix& prefix) {
  auto bytes = prefix.address.bytes();
  for (std::size_t i = 0; i < prefix.address.size(); ++i) {
    const int kept = std::clamp(int{prefix.length} - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00 >> kept));
  }
  if (prefix.address.is_v4()) return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  return IpAddress::v6(bytes);
}

}  // namespace

void RouteQueue::watch(std::set<IpAddress> addresses) {
  std::set<IpAddress> waiting;
  for (const IpAddress& address : addresses) {
    if (!watched_.contains(address) || waiting_.contains(address)) waiting.insert(address);
  }
  watched_ = std::move(addresses);
  waiting_ = std::move(waiting);
}

void RouteQueue::prefix_changed(const IpPrefix& prefix) {
  // Addresses are ordered by family, then bytes, so a prefix is one range.
  for (auto position = watched_.lower_bound(first_address(prefix));
       position != watched_.end() && prefix.contains(*position); ++position) {
    waiting_.insert(*position);
  }
}

void RouteQueue::queue_in_turn(std::size_t count) {
  for (std::size_t i = 0; i < std::min(count, watched_.size()); ++i) {
    auto position = turn_ ? watched_.upper_bound(*turn_) : watched_.begin();
    if (position == watched_.end()) position = watched_.begin();
    turn_ = *position;
    waiting_.insert(*position);
  }
}

std::vector<IpAddress> RouteQueue::take(std::size_t limit) {
  const auto end =
      std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(std::min(limit, waiting_.size())));
  std::vector<IpAddress> taken(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

}  // namespace guideway::netlink
