// SPDX-License-Identifier: Apache-2.0
// KernelMonitor: the Monitor on a real kernel. It moves netlink messages into Tables and asks what
// Tables and RouteQueue want asked. Work is done in bounded steps: while some is left, fd() stays
// readable, so that a caller's event loop comes back for it.
// Threading: one thread (the control thread).
#ifndef GUIDEWAY_NETLINK_KERNEL_MONITOR_H_
#define GUIDEWAY_NETLINK_KERNEL_MONITOR_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guideway/netlink/monitor.h"
#include "guideway/netlink/readiness.h"
#include "guideway/netlink/route_queue.h"
#include "guideway/netlink/socket.h"
#include "guideway/netlink/tables.h"

namespace guideway::netlink {

class KernelMonitor final : public Monitor {
 public:
  KernelMonitor(const std::vector<std::string>& kernel_names, Socket notifications, Socket requests,
                Readiness readiness);
  ~KernelMonitor() override;
  KernelMonitor(const KernelMonitor&) = delete;
  KernelMonitor& operator=(const KernelMonitor&) = delete;

  /// Reads links and neighbours in full; routes follow by themselves.
  Result<void> read_all();
  bool has_link_named(const std::string& name) const { return tables_.has_link_named(name); }

  int fd() const override { return readiness_.fd(); }
  Result<void> on_readable() override;
  Result<void> watch(std::set<IpAddress> addresses) override;
  Result<void> tick() override;
  const compile::NextHops& next_hops() const override { return tables_.next_hops(); }
  bool take_changed() override { return tables_.take_changed(); }
  HostEvents take_host_events() override { return std::exchange(host_events_, {}); }

 private:
  using Clock = std::chrono::steady_clock;

  /// Reads all again if notifications were lost.
  Result<void> reread_if_due();
  void on_notification(const nlmsghdr& message);
  void on_link(const nlmsghdr& message);
  void on_neighbour(const nlmsghdr& message);
  void on_route(const nlmsghdr& message);
  /// Does a bounded piece of the outstanding work.
  Result<void> step();
  Result<void> look_up_routes(Clock::time_point deadline);
  Result<void> look_up_route(const IpAddress& address);
  Result<void> ask_neighbours(Clock::time_point deadline);
  Result<void> ask(const NeighbourKey& neighbour);
  /// Gives back the managed entries that no next hop needs any more.
  void release_unneeded();
  void release(const NeighbourKey& neighbour);

  Tables tables_;
  RouteQueue routes_;
  Socket notifications_;
  Socket requests_;
  Readiness readiness_;
  Refresh refresh_ = Refresh::kManaged;
  HostEvents host_events_;
  /// Notifications were lost, and the tables have not been read in full since.
  bool reread_due_ = false;
  /// How many neighbours may still be asked for before the next tick().
  std::size_t ask_budget_;
  /// The managed entries that we made.
  std::set<NeighbourKey> made_;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_KERNEL_MONITOR_H_
