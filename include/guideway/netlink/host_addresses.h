// SPDX-License-Identifier: Apache-2.0
// HostAddresses: the kernel's side of an interface (up, addresses) and the ownership of VIPs. What
// was added is removed at the end, what was found is left. What was added is also on record
// (owned_addresses.h), so that a run after a crash still knows it. Whoever has started well ends
// with release() or leave(). Threading: one thread (the control thread).
#ifndef GUIDEWAY_NETLINK_HOST_ADDRESSES_H_
#define GUIDEWAY_NETLINK_HOST_ADDRESSES_H_

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/netlink/owned_addresses.h"

namespace guideway::netlink {

class HostAddresses {
 public:
  /// What the record lists and the kernel still has is taken over as ours. Errors: the kernel's
  /// addresses cannot be read.
  static Result<std::unique_ptr<HostAddresses>> open(OwnedAddresses record);
  /// Without release() or leave(), a start that failed: what this run has added goes, what an
  /// earlier run had left stays, since the kernel may go on forwarding for it.
  virtual ~HostAddresses() = default;

  /// Gives `kernel_name` these addresses (those already there are left alone), and brings it up the
  /// first time. IPv6 addresses are added without duplicate address detection. Calling it again
  /// repairs what was lost meanwhile.
  virtual Result<void> set_interface(const std::string& kernel_name,
                                     const std::vector<IpPrefix>& addresses) = 0;

  /// Makes exactly `vips` present on the kernel side: adds the missing, removes those of ours that
  /// are no longer wanted. IPv4 VIPs go to `lo` as /32. IPv6 VIPs go to every interface of
  /// `kernel_names` as /128 (to `lo` when there is none), because the kernel answers neighbour
  /// discovery only for the receiving interface's own addresses; they are marked deprecated so that
  /// the host does not use them as its own source. What was added is due for announcement on every
  /// interface of `kernel_names`.
  /// One thing that fails does not keep it from the rest: the Error names all that failed. Calling
  /// it again tries again, and repairs what was lost meanwhile.
  virtual Result<void> own_vips(const std::set<IpAddress>& vips,
                                const std::vector<std::string>& kernel_names) = 0;

  /// Errors: an interface has one of `addresses` that is not of own_vips(): the host's own
  /// connections would use it, too. All such are named.
  virtual Result<void> require_ours(const std::set<IpAddress>& addresses) = 0;

  /// Sends the announcements that are due (gratuitous ARP, unsolicited neighbour advertisement).
  /// Call it after own_vips(), and about once a second: each is repeated after 1 s and 3 s. What an
  /// interface does not take (it is down) stays due; other interfaces are served nevertheless.
  virtual Result<void> announce_due(std::chrono::steady_clock::time_point now) = 0;
  /// Makes all VIPs due for announcement again: a link came up, neighbours may have forgotten us.
  virtual void announce_again() = 0;

  /// Removes everything of ours, and the record. Idempotent. What cannot be removed stays on
  /// record.
  virtual void release() = 0;
  /// Leaves everything of ours, and the record, to the next run. Nothing may be called afterwards.
  virtual void leave() = 0;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_HOST_ADDRESSES_H_
