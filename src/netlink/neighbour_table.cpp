// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/neighbour_table.h"

#include <linux/neighbour.h>

namespace guideway::netlink {
namespace {

constexpr unsigned kHasMac =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;

/// These the kernel never changes by itself, and asking would turn them into ordinary ones.
constexpr unsigned kFixed = NUD_PERMANENT | NUD_NOARP;

/// From here the kernel does not go to FAILED without probing first.
constexpr unsigned kUnprobed = kHasMac & ~unsigned{NUD_PROBE};

}  // namespace

bool NeighbourTable::put(const Neighbour& neighbour) {
  Entry& entry = entries_[neighbour.key];
  const Reach before = entry.reach;
  entry.reach = next_reach(entry, neighbour);
  entry.present = true;
  entry.state = neighbour.state;
  entry.managed = neighbour.managed;
  return entry.reach != before;
}

Reach NeighbourTable::next_reach(const Entry& before, const Neighbour& neighbour) {
  if ((neighbour.state & kHasMac) != 0 && neighbour.mac) {
    return {Reach::State::kResolved, *neighbour.mac};
  }
  // NONE or INCOMPLETE: the kernel has only begun to ask.
  if ((neighbour.state & NUD_FAILED) == 0) return before.reach;
  // A deletion is announced as FAILED, too, just before the entry goes.
  if (before.present && (before.state & kUnprobed) != 0) return before.reach;
  return {Reach::State::kFailed, {}};
}

void NeighbourTable::remove(const NeighbourKey& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) found->second.present = false;
}

void NeighbourTable::forget_if_absent(const NeighbourKey& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && !found->second.present) entries_.erase(found);
}

void NeighbourTable::forget_link(int link) {
  // The smallest address is the default one, 0.0.0.0.
  auto position = entries_.lower_bound({link, IpAddress()});
  while (position != entries_.end() && position->first.link == link) {
    position = entries_.erase(position);
  }
}

Reach NeighbourTable::reach(const NeighbourKey& key) const {
  const auto found = entries_.find(key);
  return found != entries_.end() ? found->second.reach : Reach{};
}

bool NeighbourTable::wants_asking(const NeighbourKey& key, Refresh refresh) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second.present) return true;
  const Entry& entry = found->second;
  if (is_fixed(key)) return false;
  if ((entry.state & NUD_FAILED) != 0) return true;
  if (refresh == Refresh::kManaged) return !entry.managed;
  return entry.state == NUD_NONE || (entry.state & NUD_STALE) != 0;
}

bool NeighbourTable::is_fixed(const NeighbourKey& key) const {
  const auto found = entries_.find(key);
  return found != entries_.end() && found->second.present && (found->second.state & kFixed) != 0;
}

std::vector<NeighbourKey> NeighbourTable::present() const {
  std::vector<NeighbourKey> keys;
  for (const auto& [key, entry] : entries_) {
    if (entry.present) keys.push_back(key);
  }
  return keys;
}

}  // namespace guideway::netlink
