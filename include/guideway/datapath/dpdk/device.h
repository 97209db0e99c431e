// SPDX-License-Identifier: Apache-2.0
// Device: a device string of the configuration, taken apart.
// Threading: values.
#ifndef GUIDEWAY_DATAPATH_DPDK_DEVICE_H_
#define GUIDEWAY_DATAPATH_DPDK_DEVICE_H_

#include <string>

#include "guideway/base/result.h"

namespace guideway::datapath::dpdk {

struct Device {
  enum class Bus { kPci, kVdev };
  Bus bus = Bus::kVdev;
  /// "0000:3b:00.0" or "net_tap0".
  std::string name;
  /// What follows the first comma: "iface=nic0".
  std::string arguments;
};

/// `text`: "pci:ADDRESS[,ARGUMENTS]" or "vdev:NAME[,ARGUMENTS]". `interface` is for the message.
/// Errors: a kernel interface (the other datapaths are for those), no name, a PCI device that is
/// not there.
Result<Device> parse_device(const std::string& interface, const std::string& text);

/// "vfio-pci", "ixgbe"; empty for none, and for virtual devices.
std::string kernel_driver_of(const Device& device);

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_DEVICE_H_
