// SPDX-License-Identifier: Apache-2.0
// OwnedAddresses: the record of the addresses that this director put on the host, kept in its state
// directory so that the next run knows what a crashed one left behind. The kernel's own mark
// (IFA_PROTO) cannot say which director an address belongs to; this file can.
//
//   guideway-owned-addresses 1                      name and version of the format
//   boot 8a3d…                                      addresses do not outlive the kernel
//   address 203.0.113.10/32 lo                      sorted, one a line
//   end 1                                           the number of addresses: nothing is cut off
//
// Every change is on the disk, whole, before the call returns. What is read is untrusted: a file
// that is not exactly of this form, is no plain file, or that others may write, is renamed to
// "owned_addresses.damaged" with a warning and counts as empty.
// Threading: one thread (the control thread). Calls wait for the disk.
#ifndef GUIDEWAY_NETLINK_OWNED_ADDRESSES_H_
#define GUIDEWAY_NETLINK_OWNED_ADDRESSES_H_

#include <set>
#include <string>

#include "guideway/base/address.h"
#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"

namespace guideway::netlink {

/// An address on an interface, by the interface's name: indexes do not outlive an interface.
struct OwnedAddress {
  std::string interface;
  IpPrefix prefix;

  friend auto operator<=>(const OwnedAddress&, const OwnedAddress&) = default;
};

class OwnedAddresses {
 public:
  /// Reads the record in a directory that only this director uses (control::StateDir). Errors: the
  /// directory cannot be used. A record of an earlier boot counts as empty.
  static Result<OwnedAddresses> open(const std::string& directory);

  const std::set<OwnedAddress>& all() const { return all_; }
  bool contains(const OwnedAddress& address) const { return all_.contains(address); }

  /// Writes when something changes; removes the file when nothing is left. After an error all() is
  /// as before, and so is the file.
  Result<void> set(std::set<OwnedAddress> addresses);

 private:
  OwnedAddresses(base::FileDescriptor directory_fd, std::string directory);
  Result<void> read();
  Result<void> set_aside(const std::string& why) const;
  Result<void> write(const std::string& text) const;
  std::string name() const;

  base::FileDescriptor directory_fd_;
  std::string directory_;
  std::set<OwnedAddress> all_;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_OWNED_ADDRESSES_H_
