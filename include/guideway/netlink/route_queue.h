// SPDX-License-Identifier: Apache-2.0
// RouteQueue: which watched addresses need their route looked up (again). Changes are coalesced: an
// address waits at most once, however many notifications concern it.
// Threading: a value.
#ifndef GUIDEWAY_NETLINK_ROUTE_QUEUE_H_
#define GUIDEWAY_NETLINK_ROUTE_QUEUE_H_

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "guideway/base/address.h"

namespace guideway::netlink {

class RouteQueue {
 public:
  /// Queues the addresses that were not watched before, drops those that no longer are.
  void watch(std::set<IpAddress> addresses);

  /// A route for `prefix` came or went. O(addresses in it), so that a full BGP table in motion
  /// costs nothing where no backend is concerned.
  void prefix_changed(const IpPrefix& prefix);
  /// Something changed whose effect cannot be told: a link, a rule, an address.
  void all_changed() { waiting_ = watched_; }
  /// Queues the next `count` addresses in turn, changed or not. What comes without a notification
  /// (an expired path MTU, a sysctl) is found this way.
  void queue_in_turn(std::size_t count);

  std::vector<IpAddress> take(std::size_t limit);
  bool empty() const { return waiting_.empty(); }
  std::size_t watched_count() const { return watched_.size(); }

 private:
  std::set<IpAddress> watched_;
  std::set<IpAddress> waiting_;
  /// The last one that queue_in_turn() queued.
  std::optional<IpAddress> turn_;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_ROUTE_QUEUE_H_
