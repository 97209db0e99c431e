// SPDX-License-Identifier: Apache-2.0
// NeighbourTable: what the kernel said of each neighbour, and what that means for forwarding.
//
// Two things differ from the kernel's own table. A MAC is kept when the kernel deletes the entry or
// starts over, until the neighbour proves silent: a flushed table must not stop traffic. And a
// neighbour that was silent stays failed until it answers: the kernel's retries must not make it
// flap between failed and resolving.
// Threading: a value.
// Source: states RFC 4861 §7.3.2, <linux/neighbour.h>.
#ifndef GUIDEWAY_NETLINK_NEIGHBOUR_TABLE_H_
#define GUIDEWAY_NETLINK_NEIGHBOUR_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/netlink/facts.h"
#include "guideway/netlink/requests.h"

namespace guideway::netlink {

/// Whether packets can be sent to a neighbour, and to which MAC.
struct Reach {
  enum class State : std::uint8_t { kResolved, kResolving, kFailed };
  State state = State::kResolving;
  /// Meaningful only when kResolved.
  Mac mac;

  friend bool operator==(const Reach&, const Reach&) = default;
};

class NeighbourTable {
 public:
  /// The kernel has this entry now. True: its reach() changed.
  bool put(const Neighbour& neighbour);
  /// The kernel has no such entry any more; its MAC is remembered. Never changes reach().
  void remove(const NeighbourKey& key);
  /// Nobody needs its MAC remembered: drops it if the kernel has it no more.
  void forget_if_absent(const NeighbourKey& key);
  /// Forgets all neighbours on a link that is gone.
  void forget_link(int link);

  /// kResolving for a neighbour never heard of.
  Reach reach(const NeighbourKey& key) const;

  /// Should the kernel be asked for this neighbour, asking in the given way?
  bool wants_asking(const NeighbourKey& key, Refresh refresh) const;

  /// Set by someone to stay as it is (permanent, or on a link without resolution).
  bool is_fixed(const NeighbourKey& key) const;

  /// What the kernel has, as far as it was said.
  std::vector<NeighbourKey> present() const;

 private:
  struct Entry {
    bool present = false;
    std::uint16_t state = 0;  // NUD_*, meaningful when present
    bool managed = false;
    Reach reach;
  };

  static Reach next_reach(const Entry& before, const Neighbour& neighbour);

  std::map<NeighbourKey, Entry> entries_;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_NEIGHBOUR_TABLE_H_
