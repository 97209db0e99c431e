// SPDX-License-Identifier: Apache-2.0
// Monitor: watches the kernel's routes and neighbours by netlink and keeps, for every backend
// address, how to reach it. The kernel does all ARP, neighbour discovery and routing; this only
// reads, and asks for neighbours that are needed but unknown. Threading: one thread (the control
// thread).
#ifndef GUIDEWAY_NETLINK_MONITOR_H_
#define GUIDEWAY_NETLINK_MONITOR_H_

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/compile/next_hop.h"

namespace guideway::netlink {

/// What happened to the kernel's side of our interfaces.
struct HostEvents {
  /// An address of this host went away, perhaps one of ours.
  bool address_lost = false;
  /// One came, or changed; perhaps one of ours.
  bool address_found = false;
  /// One of our links came up.
  bool link_up = false;
};

class Monitor {
 public:
  /// `kernel_names[i]` is the kernel's side of Model::interfaces[i], e.g. "gw-wan"; VLAN interfaces
  /// on top of them are found by themselves.
  static Result<std::unique_ptr<Monitor>> open(const std::vector<std::string>& kernel_names);
  virtual ~Monitor() = default;

  /// Poll this for reading; then call on_readable(). Non-blocking.
  virtual int fd() const = 0;
  /// Reads what is there. Lost messages (ENOBUFS) lead to a full re-read; if that fails, tick()
  /// tries again until it has succeeded.
  virtual Result<void> on_readable() = 0;

  /// The addresses to keep resolved from now on.
  virtual Result<void> watch(std::set<IpAddress> addresses) = 0;
  /// Call about once a second: asks again for what is unresolved.
  virtual Result<void> tick() = 0;

  virtual const compile::NextHops& next_hops() const = 0;
  /// True once after next_hops() changed.
  virtual bool take_changed() = 0;
  /// What happened since the last call. It may say too much (after lost messages), never too
  /// little.
  virtual HostEvents take_host_events() = 0;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_MONITOR_H_
