// SPDX-License-Identifier: Apache-2.0
// HostAddresses: the kernel's side of an interface (up, MTU, addresses) and the ownership of VIPs.
// What was added is removed at the end; what was found is left.
// Threading: one thread (the control thread).
#ifndef GUIDEWAY_NETLINK_HOST_ADDRESSES_H_
#define GUIDEWAY_NETLINK_HOST_ADDRESSES_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::netlink {

class HostAddresses {
 public:
  static Result<std::unique_ptr<HostAddresses>> open();
  /// Removes what was added.
  virtual ~HostAddresses() = default;

  /// Brings `kernel_name` up with these addresses (those already there are left alone). IPv6
  /// addresses are added without duplicate address detection.
  virtual Result<void> set_interface(const std::string& kernel_name,
                                     const std::vector<IpPrefix>& addresses) = 0;

  /// Makes exactly `vips` present on the kernel side: adds the missing, removes those that this
  /// object added before and that are no longer wanted. IPv4 VIPs go to `lo` as /32. IPv6 VIPs go
  /// to every interface of `kernel_names` as /128 (to `lo` when there is none), because the kernel
  /// answers neighbour discovery only for the receiving interface's own addresses; they are marked
  /// deprecated so that the host does not use them as its own source. Announces the new ones by
  /// gratuitous ARP and unsolicited neighbour advertisement on every interface of `kernel_names`.
  /// An Error after which the addresses are in place: an announcement could not be sent (interface
  /// down). Calling it again repairs what was lost meanwhile.
  virtual Result<void> own_vips(const std::set<IpAddress>& vips,
                                const std::vector<std::string>& kernel_names) = 0;

  /// Removes everything that this object added. Idempotent.
  virtual void release() = 0;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_HOST_ADDRESSES_H_
