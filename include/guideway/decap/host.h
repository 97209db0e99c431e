// SPDX-License-Identifier: Apache-2.0
// What the decapsulator has to know about the host: the device, addresses, kernel, BPF file system.
// All of it is read once, when a program is attached.
// Threading: no state; call from the thread whose network namespace is meant.
#ifndef GUIDEWAY_DECAP_HOST_H_
#define GUIDEWAY_DECAP_HOST_H_

#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"

namespace guideway::decap {

struct Device {
  std::string name;
  unsigned index = 0;
  unsigned mtu = 0;
};

/// The network device of this name in the present network namespace.
Result<Device> find_device(const std::string& name);

struct HostAddresses {
  /// Of the device.
  std::vector<IpAddress> device;
  /// Of every device, with the broadcast addresses of their networks.
  std::vector<IpAddress> all;
};

Result<HostAddresses> read_addresses(const Device& device);

/// Makes the folder, for root alone; it has to lie in a BPF file system, and to be trusted.
Result<void> make_pin_folder(const std::string& folder);

/// An error if others can write to the folder, or put another in its place.
Result<void> trust_pin_folder(const std::string& folder);

/// Waits until nobody else changes what is in the folder; they wait until the descriptor is closed.
/// An empty one if there is no such folder.
base::FileDescriptor lock_pin_folder(const std::string& folder);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_HOST_H_
