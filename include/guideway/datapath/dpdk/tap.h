// SPDX-License-Identifier: Apache-2.0
// Tap: a TAP device of the kernel, non-persistent: it goes when it is closed, also by a crash.
// Threading: one thread at a time.
// Source: Documentation/networking/tuntap.rst of the Linux kernel.
#ifndef GUIDEWAY_DATAPATH_DPDK_TAP_H_
#define GUIDEWAY_DATAPATH_DPDK_TAP_H_

#include <string>
#include <utility>

#include "guideway/base/address.h"
#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"

namespace guideway::datapath::dpdk {

using base::FileDescriptor;

class Tap {
 public:
  /// Makes the device, still down and without address. A zero `mac` leaves the kernel's choice.
  /// Errors: no permission, a device of that name, a name above 15 bytes.
  static Result<Tap> make(const std::string& name, Mac mac, unsigned mtu);

  /// Non-blocking; one read or write is one Ethernet frame.
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  explicit Tap(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_TAP_H_
