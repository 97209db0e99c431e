// SPDX-License-Identifier: Apache-2.0
// Tables: what the kernel said about links, neighbours and routes, and the next hop of every
// watched address that follows from it. No system call in here: the Monitor feeds it.
//
//   watched address --route--> link (down through VLANs to one of ours) + neighbour --> NextHop
//
// Invariant: after every call next_hops() has exactly the watched addresses and is up to date.
// Threading: a value.
#ifndef GUIDEWAY_NETLINK_TABLES_H_
#define GUIDEWAY_NETLINK_TABLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/compile/next_hop.h"
#include "guideway/netlink/facts.h"
#include "guideway/netlink/neighbour_table.h"

namespace guideway::netlink {

class Tables {
 public:
  /// `kernel_names[i]` is the kernel's side of Model::interfaces[i].
  explicit Tables(const std::vector<std::string>& kernel_names);

  /// The addresses to keep a next hop for. New ones are kResolving until put_route().
  /// O(all of them).
  void watch(const std::set<IpAddress>& addresses);

  // What the kernel says. A change of one of our links, or of a VLAN interface, costs
  // O(watched addresses), anything else O(addresses concerned).

  /// True: the link is new or differs, so routes may too.
  bool put_link(const Link& link);
  void remove_link(int index);
  /// A full listing: what it lacks is gone.
  void replace_links(const std::vector<Link>& links);
  bool has_link_named(const std::string& name) const;
  /// Is it the kernel's side of an interface of ours?
  bool is_interface(const std::string& name) const { return interface_indexes_.contains(name); }
  /// False also when there is no such link.
  bool is_up(int index) const;

  void put_neighbour(const Neighbour& neighbour);
  void remove_neighbour(const NeighbourKey& key);
  /// A full listing: what it lacks is gone.
  void replace_neighbours(const std::vector<Neighbour>& neighbours);

  /// Ignored when the address is not watched (any more).
  void put_route(const IpAddress& destination, const Route& route);

  // What to do about neighbours.

  /// Neighbours that next hops need, that the kernel should be asked for and have not been handed
  /// out since they were queued.
  std::vector<NeighbourKey> take_to_ask(std::size_t limit, Refresh refresh);
  /// Queues again every needed neighbour that still wants asking.
  void queue_unresolved(Refresh refresh);
  /// Neighbours that no next hop needs any more, each once.
  std::vector<NeighbourKey> take_unneeded();
  bool is_fixed(const NeighbourKey& key) const { return neighbours_.is_fixed(key); }
  bool has_to_ask() const { return !to_ask_.empty(); }

  const compile::NextHops& next_hops() const { return next_hops_; }
  /// True once after next_hops() changed.
  bool take_changed();

 private:
  /// Where a link leaves the host.
  struct Exit {
    std::uint16_t interface_index = 0;
    std::array<compile::VlanTag, 2> vlans{};
    std::uint8_t vlan_count = 0;
    std::uint32_t mtu = 0;
  };
  struct Watched {
    std::optional<Route> route;
    /// The neighbour it is registered for in users_.
    std::optional<NeighbourKey> neighbour;
  };

  bool needs(const NeighbourKey& key) const { return users_.contains(key); }
  /// Can the link be on the way of a next hop?
  bool matters(const Link& link) const;
  /// None: not by an interface of ours.
  std::optional<Exit> exit_of(int link_index) const;
  compile::NextHop compute(const IpAddress& destination, const std::optional<Route>& route) const;
  std::optional<NeighbourKey> neighbour_of(const IpAddress& destination,
                                           const std::optional<Route>& route) const;
  void use(const IpAddress& destination, Watched& watched, std::optional<NeighbourKey> neighbour);
  void refresh(const IpAddress& destination, Watched& watched);
  void refresh_users(const NeighbourKey& key);
  void refresh_all();
  void set_next_hop(const IpAddress& destination, const compile::NextHop& hop);

  std::map<std::string, std::uint16_t> interface_indexes_;
  std::map<int, Link> links_;
  NeighbourTable neighbours_;
  std::map<IpAddress, Watched> watched_;
  /// Who needs a neighbour; never an empty set.
  std::map<NeighbourKey, std::set<IpAddress>> users_;
  std::set<NeighbourKey> to_ask_;
  std::set<NeighbourKey> unneeded_;
  compile::NextHops next_hops_;
  bool changed_ = false;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_TABLES_H_
