// SPDX-License-Identifier: Apache-2.0
// Whether a DPDK device stands on what connects this host to the world: the interface of a default
// route, or one below it (a bridge's or bond's member, a VLAN's lower interface). Who polls such a
// device takes its packets away from the kernel, and with them the way to the host.
// Threading: no state.
// Source: rtnetlink(7).
#ifndef GUIDEWAY_NETLINK_DEFAULT_ROUTE_H_
#define GUIDEWAY_NETLINK_DEFAULT_ROUTE_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/result.h"

namespace guideway::netlink {

struct KernelLink {
  int index = 0;
  std::string name;
  /// The bridge or bond that it belongs to, and the link that it stands on; 0: none here.
  int master = 0;
  int lower = 0;
};

/// Written like "0000:3b:00.0".
bool is_pci_address(const std::string& text);

/// What the kernel says, of this network namespace.
struct KernelNetwork {
  std::vector<KernelLink> links;
  /// Links of default routes, of all tables and both families.
  std::set<int> default_links;
};
Result<KernelNetwork> read_kernel_network();

/// The names of all links that carry a default route, themselves or for one above them. Pure.
std::set<std::string> carriers_of_default_route(const KernelNetwork& network);

/// Every interface name or PCI address that a device string could mean: its name and the values of
/// its arguments, also those of devices inside it. Pure.
std::vector<std::string> names_in_device(const std::string& device);

/// The kernel's interface that carries a default route and that `device` ("pci:…", "vdev:…") is, or
/// stands on; none as a rule. A NIC without a kernel driver is none either, wherever its cable
/// goes.
Result<std::optional<std::string>> default_route_of(const std::string& device);

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_DEFAULT_ROUTE_H_
