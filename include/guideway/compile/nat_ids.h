// SPDX-License-Identifier: Apache-2.0
// NatIds: the mapping NAT address <-> its plane in the NAT table. An address keeps its plane for as
// long as it is configured, over reloads and restarts: its flows are there.
// Threading: a value.
#ifndef GUIDEWAY_COMPILE_NAT_IDS_H_
#define GUIDEWAY_COMPILE_NAT_IDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"

namespace guideway::compile {

class NatIds {
 public:
  /// Of a table with so many planes.
  explicit NatIds(std::uint32_t planes = 0) : planes_(planes) {}

  std::uint32_t planes() const { return planes_; }
  std::optional<std::uint16_t> find(const IpAddress& address) const;
  /// Gives `address` the plane that it had in an earlier life. False, and nothing changes, when
  /// there is no such plane, or one of the two is taken.
  bool restore(std::uint16_t plane, const IpAddress& address);
  /// Exactly `addresses`: those that are new get planes that nobody has, if possible one that
  /// nobody had. Errors: more addresses than planes.
  Result<NatIds> with(const std::vector<IpAddress>& addresses) const;
  const std::map<IpAddress, std::uint16_t>& entries() const { return by_address_; }

 private:
  std::uint32_t planes_;
  std::map<IpAddress, std::uint16_t> by_address_;
};

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_NAT_IDS_H_
