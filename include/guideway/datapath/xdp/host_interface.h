// SPDX-License-Identifier: Apache-2.0
// HostInterface: what the kernel says about one of its network interfaces.
// Threading: values.
#ifndef GUIDEWAY_DATAPATH_XDP_HOST_INTERFACE_H_
#define GUIDEWAY_DATAPATH_XDP_HOST_INTERFACE_H_

#include <string>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::datapath::xdp {

struct HostInterface {
  int index = 0;
  /// "veth", "ixgbe".
  std::string driver;
  Mac mac;
  unsigned mtu = 0;
  bool up = false;
  /// Receive queues in use; 1 when the driver does not say.
  unsigned rx_queues = 1;
};

/// `interface` is the name in the configuration, for messages; `device` the kernel's.
/// Errors: there is no such device.
Result<HostInterface> look_at(const std::string& interface, const std::string& device);

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_HOST_INTERFACE_H_
