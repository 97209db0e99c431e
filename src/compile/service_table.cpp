// SPDX-License-Identifier: Apache-2.0
#include "guideway/compile/service_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/hash.h"
#include "guideway/core/service.h"

namespace guideway::compile {
namespace {

/// At a quarter full nearly every seed works; this many failures mean a bug, not bad luck.
constexpr std::uint64_t kMaxSeeds = 1000;
constexpr std::size_t kEntriesPerService = 4;
constexpr std::size_t kMinEntries = 8;
constexpr std::size_t kMaxKicks = 64;
/// Of an entry that marks a VIP and counts nothing.
constexpr std::uint16_t kNoId = 0xffff;
constexpr std::uint32_t kMaxIds = kNoId;

struct Masks {
  std::uint32_t ports;
  std::uint32_t destination;
};

/// What of (ports, destination) enters the flow hash; the source address always does. The source
/// port is the low half of the two ports as loaded.
Masks masks_of(model::HashKey key) {
  switch (key) {
    case model::HashKey::kFiveTuple:
      return {0xffffffff, 0xffffffff};
    case model::HashKey::kSource:
      return {0, 0};
    case model::HashKey::kSourcePort:
      return {0x0000ffff, 0};
    case model::HashKey::kSourceDestination:
      return {0, 0xffffffff};
  }
  return {0xffffffff, 0xffffffff};
}

std::vector<std::uint8_t> protocols_of(model::Protocol protocol) {
  switch (protocol) {
    case model::Protocol::kTcp:
      return {GW_PROTO_TCP};
    case model::Protocol::kUdp:
      return {GW_PROTO_UDP};
    case model::Protocol::kTcpUdp:
      return {GW_PROTO_TCP, GW_PROTO_UDP};
  }
  return {};
}

/// An entry with its key and nothing else. `port` is in host order.
gw_service make_entry(const IpAddress& address, std::uint8_t protocol, std::uint16_t port) {
  gw_service entry{};
  std::memcpy(&entry.address_lo, address.bytes().data(), 8);
  std::memcpy(&entry.address_hi, address.bytes().data() + 8, 8);
  entry.port = gw_swap16(port);
  entry.protocol = protocol;
  entry.family = address.is_v4() ? GW_FAMILY_4 : GW_FAMILY_6;
  entry.flags = GW_SERVICE_USED;
  return entry;
}

gw_service make_vip_entry(const IpAddress& address) {
  gw_service entry = make_entry(address, GW_PROTO_NONE, 0);
  entry.id = kNoId;
  entry.pool = kNoId;
  return entry;
}

/// What a backend's answer is found by.
gw_service make_nat_entry(const IpAddress& address, std::uint8_t protocol, std::uint16_t plane) {
  gw_service entry = make_entry(address, protocol, 0);
  entry.id = kNoId;
  entry.pool = kNoId;
  entry.idle_timeout_s = 1;
  entry.flags |= GW_SERVICE_NAT_RETURN;
  entry.nat_addresses[0] = plane;
  entry.nat_address_count = 1;
  return entry;
}

/// What gw_nat_kept_planes() finds.
gw_service make_kept_entry(const IpAddress& unspecified, std::uint16_t plane) {
  gw_service entry = make_entry(unspecified, GW_PROTO_KEPT, 0);
  entry.id = kNoId;
  entry.pool = kNoId;
  entry.nat_addresses[0] = plane;
  entry.nat_address_count = 1;
  return entry;
}

gw_service make_service_entry(const model::Service& service, std::uint8_t protocol,
                              std::uint16_t id, std::uint16_t pool) {
  gw_service entry = make_entry(service.address, protocol, service.port);
  const Masks masks = masks_of(service.hash);
  entry.id = id;
  entry.pool = pool;
  entry.ports_mask = masks.ports;
  entry.destination_mask = masks.destination;
  entry.salt = service_salt(service.address, protocol, service.port);
  entry.idle_timeout_s = static_cast<std::uint16_t>(service.idle_timeout.count());
  if (service.hash == model::HashKey::kFiveTuple) entry.flags |= GW_SERVICE_PER_CONNECTION;
  return entry;
}

/// What a packet of the service must know of the pool.
std::uint16_t flags_of(const model::Pool& pool, std::uint8_t protocol) {
  std::uint16_t flags = 0;
  if (model::takes_turns(pool.scheduler)) flags |= GW_SERVICE_BY_TURNS;
  if (model::goes_by_load(pool.scheduler)) flags |= GW_SERVICE_BY_LOAD;
  if (pool.forwarding == model::Forwarding::kNat) flags |= GW_SERVICE_NAT;
  if (!pool.snat) flags |= GW_SERVICE_NAT_KEEPS;
  if (pool.toa && protocol == GW_PROTO_TCP) flags |= GW_SERVICE_TOA;
  return flags;
}

/// The planes of the pool's addresses of the service's family, or that of the clients' own.
void add_nat_addresses(gw_service& entry, const model::Pool& pool, const NatIds& ids) {
  if (!pool.snat) {
    const auto plane = ids.find(IpAddress::unspecified(static_cast<base::Family>(entry.family)));
    if (plane) entry.nat_addresses[entry.nat_address_count++] = *plane;
  }
  for (const IpAddress& source : pool.nat_sources) {
    const std::optional<std::uint16_t> plane = ids.find(source);
    if (!plane || static_cast<std::uint8_t>(source.family()) != entry.family ||
        entry.nat_address_count == GW_NAT_POOL_ADDRESSES)
      continue;
    entry.nat_addresses[entry.nat_address_count++] = *plane;
  }
}

std::size_t table_size(std::size_t entries) {
  return std::bit_ceil(std::max(kMinEntries, entries * kEntriesPerService));
}

/// Candidate entries of a key under one seed.
std::pair<std::uint32_t, std::uint32_t> candidates(const gw_service& entry, std::uint64_t seed,
                                                   std::size_t count) {
  const std::uint32_t tail = gw_service_tail(entry.port, entry.protocol, entry.family);
  const std::uint64_t hash = gw_service_hash(entry.address_hi, entry.address_lo, tail, seed);
  const auto entries = static_cast<std::uint32_t>(count);
  return {gw_service_first(hash, entries), gw_service_second(hash, entries)};
}

bool is_used(const gw_service& entry) { return (entry.flags & GW_SERVICE_USED) != 0; }

/// Puts `entry` into one of its candidates, and if both are used pushes out who stands there into
/// that one's other candidate, and so on. False if that goes on for too long.
bool insert(std::vector<gw_service>& table, gw_service entry, std::uint64_t seed) {
  auto [first, second] = candidates(entry, seed, table.size());
  std::uint32_t place = first;
  for (std::size_t kicks = 0; kicks < kMaxKicks; ++kicks) {
    if (is_used(table[first]) && is_used(table[second])) {
      std::swap(entry, table[place]);
      std::tie(first, second) = candidates(entry, seed, table.size());
      place = place == first ? second : first;
      continue;
    }
    table[is_used(table[first]) ? second : first] = entry;
    return true;
  }
  return false;
}

/// Sets table.entries and table.seed.
Result<void> place_all(const std::vector<gw_service>& entries, ServiceTable& table) {
  const std::size_t count = table_size(entries.size());
  for (std::uint64_t attempt = 0; attempt < kMaxSeeds; ++attempt) {
    table.seed = gw_spread(attempt + 1) | 1;
    table.entries.assign(count, gw_service{});
    const bool placed = std::all_of(entries.begin(), entries.end(), [&](const gw_service& entry) {
      return insert(table.entries, entry, table.seed);
    });
    if (placed) return {};
  }
  return base::fail("found no placement of " + std::to_string(entries.size()) +
                    " service entries under any of " + std::to_string(kMaxSeeds) +
                    " seeds: please report this, with the configuration");
}

std::map<std::string, std::uint16_t> pool_ids(const model::Model& model) {
  std::map<std::string, std::uint16_t> ids;
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    ids.emplace(model.pools[i].name, static_cast<std::uint16_t>(i));
  }
  return ids;
}

/// The entries of all services in the order of the model; fills table.info and has_any_port.
class EntryList {
 public:
  EntryList(const model::Model& model, const ServiceIds& previous, const NatIds& nat_ids,
            ServiceTable& table)
      : model_(model),
        nat_ids_(nat_ids),
        pools_(pool_ids(model)),
        table_(table),
        ids_(std::min(model.capacity.services, kMaxIds)) {
    keep_ids(model, previous);
  }

  Result<void> add(const model::Service& service);
  void add_nat_returns();
  const std::vector<gw_service>& entries() const { return entries_; }

 private:
  Result<void> add(const model::Service& service, std::uint8_t protocol, std::uint16_t pool);
  void keep_ids(const model::Model& model, const ServiceIds& previous);
  std::uint16_t id_of(const ServiceKey& key);
  std::uint16_t unused_id();

  const model::Model& model_;
  const NatIds& nat_ids_;
  std::map<std::string, std::uint16_t> pools_;
  ServiceTable& table_;
  std::vector<gw_service> entries_;
  std::set<IpAddress> vips_;
  std::set<ServiceKey> keys_;
  const std::uint32_t ids_;          // in all
  std::set<std::uint16_t> had_;      // ids of the generation before
  std::set<std::uint16_t> leaving_;  // those of them whose service is gone
  std::uint16_t next_id_ = 0;        // below it all are in had_, or given out
};

/// Takes over the ids of services that still exist.
void EntryList::keep_ids(const model::Model& model, const ServiceIds& previous) {
  for (const auto& [key, id] : previous) had_.insert(id);
  leaving_ = had_;
  for (const model::Service& service : model.services) {
    for (const std::uint8_t protocol : protocols_of(service.protocol)) {
      const auto found = previous.find({service.address, protocol, service.port});
      if (found == previous.end()) continue;
      table_.ids.insert(*found);
      leaving_.erase(found->second);
    }
  }
}

std::uint16_t EntryList::id_of(const ServiceKey& key) {
  const auto found = table_.ids.find(key);
  if (found != table_.ids.end()) return found->second;
  return table_.ids.emplace(key, unused_id()).first->second;
}

/// Packets are still counted under the ids of services that are just going, so those come last.
std::uint16_t EntryList::unused_id() {
  while (had_.count(next_id_) != 0) ++next_id_;
  if (next_id_ < ids_ || leaving_.empty()) return next_id_++;
  return leaving_.extract(leaving_.begin()).value();
}

Result<void> EntryList::add(const model::Service& service) {
  const auto pool = pools_.find(service.pool);
  if (pool == pools_.end()) {
    return base::fail("service " + service.name + ": there is no pool " + service.pool +
                      ": add it, or name another");
  }
  const auto timeout_s = service.idle_timeout.count();
  if (timeout_s < 1 || timeout_s > GW_MAX_IDLE_TIMEOUT_S) {
    return base::fail("service " + service.name + ": idle_timeout of " + std::to_string(timeout_s) +
                      " s is out of range: take 1 s to " + std::to_string(GW_MAX_IDLE_TIMEOUT_S) +
                      " s");
  }
  for (const std::uint8_t protocol : protocols_of(service.protocol)) {
    if (const Result<void> added = add(service, protocol, pool->second); !added) return added;
  }
  if (vips_.insert(service.address).second) entries_.push_back(make_vip_entry(service.address));
  table_.has_any_port = table_.has_any_port || service.port == 0;
  return {};
}

Result<void> EntryList::add(const model::Service& service, std::uint8_t protocol,
                            std::uint16_t pool) {
  const ServiceKey key{service.address, protocol, service.port};
  if (!keys_.insert(key).second) {
    return base::fail("service " + service.name +
                      ": another one has the same address, protocol and port: remove one of them");
  }
  if (keys_.size() > kNoId) {
    return base::fail("more than " + std::to_string(kNoId) +
                      " services (tcp_udp counts twice): remove some");
  }
  const std::uint16_t id = id_of(key);
  entries_.push_back(make_service_entry(service, protocol, id, pool));
  entries_.back().flags |= flags_of(model_.pools[pool], protocol);
  add_nat_addresses(entries_.back(), model_.pools[pool], nat_ids_);
  if (table_.info.size() <= id) table_.info.resize(id + 1u);
  table_.info[id] = {true, service.name, service.address, service.port, protocol, service.pool};
  return {};
}

void EntryList::add_nat_returns() {
  for (const auto& [address, plane] : nat_ids_.entries()) {
    if (address.is_unspecified()) {
      entries_.push_back(make_kept_entry(address, plane));
      continue;
    }
    for (const std::uint8_t protocol : protocols_of(model::Protocol::kTcpUdp))
      entries_.push_back(make_nat_entry(address, protocol, plane));
    if (vips_.insert(address).second) entries_.push_back(make_vip_entry(address));
    table_.has_any_port = true;
  }
}

}  // namespace

std::uint32_t service_salt(const IpAddress& address, std::uint8_t protocol, std::uint16_t port) {
  const gw_service entry = make_entry(address, protocol, port);
  const std::uint32_t tail = gw_service_tail(entry.port, entry.protocol, entry.family);
  std::uint64_t salt = gw_spread(entry.address_lo + 0x9e3779b97f4a7c15u);
  salt = gw_spread(salt ^ entry.address_hi);
  return static_cast<std::uint32_t>(gw_spread(salt ^ tail) >> 32);
}

Result<ServiceTable> make_service_table(const model::Model& model, const ServiceIds& previous,
                                        const NatIds& nat_ids) {
  ServiceTable table;
  EntryList list(model, previous, nat_ids, table);
  for (const model::Service& service : model.services) {
    if (const Result<void> added = list.add(service); !added) {
      return tl::unexpected(added.error());
    }
  }
  list.add_nat_returns();
  if (const Result<void> placed = place_all(list.entries(), table); !placed) {
    return tl::unexpected(placed.error());
  }
  return table;
}

std::uint32_t service_table_size_for(std::uint32_t services, std::uint32_t nat_addresses) {
  return static_cast<std::uint32_t>(
      table_size(std::size_t{services} * 2 + std::size_t{nat_addresses} * 3));
}

}  // namespace guideway::compile
