// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/tables.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace guideway::netlink {
namespace {

using compile::NextHop;

NextHop::State to_state(Reach::State state) {
  switch (state) {
    case Reach::State::kResolved:
      return NextHop::State::kResolved;
    case Reach::State::kFailed:
      return NextHop::State::kFailed;
    case Reach::State::kResolving:
      break;
  }
  return NextHop::State::kResolving;
}

std::uint16_t clamp_mtu(std::uint32_t mtu) {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(mtu, std::numeric_limits<std::uint16_t>::max()));
}

IpAddress unspecified_like(const IpAddress& address) {
  return address.is_v4() ? IpAddress::v4({}) : IpAddress::v6({});
}

}  // namespace

Tables::Tables(const std::vector<std::string>& kernel_names) {
  for (std::size_t i = 0; i < kernel_names.size(); ++i) {
    interface_indexes_.emplace(kernel_names[i], static_cast<std::uint16_t>(i));
  }
}

void Tables::watch(const std::set<IpAddress>& addresses) {
  for (auto entry = watched_.begin(); entry != watched_.end();) {
    if (addresses.contains(entry->first)) {
      ++entry;
      continue;
    }
    use(entry->first, entry->second, std::nullopt);
    next_hops_.erase(entry->first);
    changed_ = true;
    entry = watched_.erase(entry);
  }
  for (const IpAddress& address : addresses) {
    const auto [entry, added] = watched_.try_emplace(address);
    if (added) refresh(address, entry->second);
  }
}

bool Tables::put_link(const Link& link) {
  const auto [entry, added] = links_.try_emplace(link.index, link);
  if (!added && entry->second == link) return false;
  const bool concerned = matters(entry->second) || matters(link);
  entry->second = link;
  if (concerned) refresh_all();
  return true;
}

void Tables::remove_link(int index) {
  const auto gone = links_.extract(index);
  if (gone.empty()) return;
  neighbours_.forget_link(index);
  if (matters(gone.mapped())) refresh_all();
}

void Tables::replace_links(const std::vector<Link>& links) {
  std::set<int> gone;
  for (const auto& [index, link] : links_) gone.insert(index);
  for (const Link& link : links) {
    gone.erase(link.index);
    links_[link.index] = link;
  }
  for (const int index : gone) {
    links_.erase(index);
    neighbours_.forget_link(index);
  }
  refresh_all();
}

bool Tables::has_link_named(const std::string& name) const {
  return std::any_of(links_.begin(), links_.end(),
                     [&](const auto& entry) { return entry.second.name == name; });
}

bool Tables::is_up(int index) const {
  const auto found = links_.find(index);
  return found != links_.end() && found->second.up;
}

void Tables::put_neighbour(const Neighbour& neighbour) {
  if (neighbours_.put(neighbour)) refresh_users(neighbour.key);
}

void Tables::remove_neighbour(const NeighbourKey& key) {
  neighbours_.remove(key);
  if (needs(key)) {
    to_ask_.insert(key);
  } else {
    neighbours_.forget_if_absent(key);
  }
}

void Tables::replace_neighbours(const std::vector<Neighbour>& neighbours) {
  std::set<NeighbourKey> listed;
  for (const Neighbour& neighbour : neighbours) {
    listed.insert(neighbour.key);
    put_neighbour(neighbour);
  }
  for (const NeighbourKey& key : neighbours_.present()) {
    if (!listed.contains(key)) remove_neighbour(key);
  }
}

void Tables::put_route(const IpAddress& destination, const Route& route) {
  const auto found = watched_.find(destination);
  if (found == watched_.end() || found->second.route == route) return;
  found->second.route = route;
  refresh(destination, found->second);
}

std::vector<NeighbourKey> Tables::take_to_ask(std::size_t limit, Refresh refresh) {
  std::vector<NeighbourKey> taken;
  while (!to_ask_.empty() && taken.size() < limit) {
    const NeighbourKey key = to_ask_.extract(to_ask_.begin()).value();
    if (needs(key) && neighbours_.wants_asking(key, refresh)) taken.push_back(key);
  }
  return taken;
}

void Tables::queue_unresolved(Refresh refresh) {
  for (const auto& [key, addresses] : users_) {
    if (neighbours_.wants_asking(key, refresh)) to_ask_.insert(to_ask_.end(), key);
  }
}

std::vector<NeighbourKey> Tables::take_unneeded() {
  std::vector<NeighbourKey> taken;
  for (const NeighbourKey& key : std::exchange(unneeded_, {})) {
    if (!needs(key)) taken.push_back(key);
  }
  return taken;
}

bool Tables::take_changed() { return std::exchange(changed_, false); }

bool Tables::matters(const Link& link) const {
  return link.vlan_id.has_value() || interface_indexes_.contains(link.name);
}

std::optional<Tables::Exit> Tables::exit_of(int link_index) const {
  Exit exit;
  exit.mtu = std::numeric_limits<std::uint32_t>::max();
  for (;;) {
    const auto found = links_.find(link_index);
    if (found == links_.end()) return std::nullopt;
    const Link& link = found->second;
    exit.mtu = std::min(exit.mtu, link.mtu);
    if (const auto ours = interface_indexes_.find(link.name); ours != interface_indexes_.end()) {
      exit.interface_index = ours->second;
      return exit;
    }
    if (!link.vlan_id || exit.vlan_count == exit.vlans.size()) return std::nullopt;
    // The link nearest to the wire comes last and holds the outermost tag.
    exit.vlans[1] = exit.vlans[0];
    exit.vlans[0] = {*link.vlan_id, link.vlan_protocol};
    ++exit.vlan_count;
    link_index = link.lower_index;
  }
}

std::optional<NeighbourKey> Tables::neighbour_of(const IpAddress& destination,
                                                 const std::optional<Route>& route) const {
  if (!route || route->kind != Route::Kind::kLink || !exit_of(route->link)) return std::nullopt;
  return NeighbourKey{route->link, route->gateway.value_or(destination)};
}

NextHop Tables::compute(const IpAddress& destination, const std::optional<Route>& route) const {
  NextHop hop;
  hop.preferred_source = unspecified_like(destination);
  if (!route) return hop;
  if (route->kind == Route::Kind::kNone) {
    hop.state = NextHop::State::kNoRoute;
    return hop;
  }
  const auto exit = route->kind == Route::Kind::kLink ? exit_of(route->link) : std::nullopt;
  const auto mac = exit ? links_.at(route->link).mac : std::nullopt;
  if (!mac) {
    hop.state = NextHop::State::kOtherInterface;
    return hop;
  }
  const Reach reach = neighbours_.reach({route->link, route->gateway.value_or(destination)});
  hop.state = to_state(reach.state);
  hop.destination = reach.mac;
  hop.source = *mac;
  hop.interface_index = exit->interface_index;
  hop.vlans = exit->vlans;
  hop.vlan_count = exit->vlan_count;
  hop.mtu = clamp_mtu(route->mtu != 0 ? std::min(route->mtu, exit->mtu) : exit->mtu);
  hop.preferred_source = route->preferred_source.value_or(hop.preferred_source);
  return hop;
}

void Tables::use(const IpAddress& destination, Watched& watched,
                 std::optional<NeighbourKey> neighbour) {
  if (watched.neighbour == neighbour) return;
  if (watched.neighbour) {
    const auto users = users_.find(*watched.neighbour);
    users->second.erase(destination);
    if (users->second.empty()) {
      neighbours_.forget_if_absent(*watched.neighbour);
      unneeded_.insert(*watched.neighbour);
      users_.erase(users);
    }
  }
  if (neighbour && users_[*neighbour].insert(destination).second) to_ask_.insert(*neighbour);
  watched.neighbour = neighbour;
}

void Tables::refresh(const IpAddress& destination, Watched& watched) {
  use(destination, watched, neighbour_of(destination, watched.route));
  set_next_hop(destination, compute(destination, watched.route));
}

void Tables::refresh_users(const NeighbourKey& key) {
  const auto users = users_.find(key);
  if (users == users_.end()) return;
  for (const IpAddress& address : users->second) {
    set_next_hop(address, compute(address, watched_.at(address).route));
  }
}

void Tables::refresh_all() {
  for (auto& [address, watched] : watched_) refresh(address, watched);
}

void Tables::set_next_hop(const IpAddress& destination, const NextHop& hop) {
  const auto [entry, added] = next_hops_.try_emplace(destination, hop);
  if (!added && entry->second == hop) return;
  entry->second = hop;
  changed_ = true;
}

}  // namespace guideway::netlink
