// SPDX-License-Identifier: Apache-2.0
// The rules of a pool whose forwarding is "nat".
#include <set>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

const char* family_name(const IpAddress& address) { return address.is_v4() ? "IPv4" : "IPv6"; }

/// What comes to a translated address is an answer to a client, or dropped: nothing else of ours
/// can be sent from it.
void check_other_uses(Problems& problems, const Model& model, const std::string& path,
                      const IpAddress& address) {
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    const Pool& pool = model.pools[i];
    const bool of_probes = pool.health_check && pool.health_check->source == address;
    if (!of_probes && pool.source != address) continue;
    const std::string other = element("pool", i) + (of_probes ? ".health_check.source" : ".source");
    problems.add(path,
                 address.to_string() + " is " + other +
                     ", too, whose answers would be looked up in the NAT table: NAT needs an "
                     "address of its own",
                 other);
    return;
  }
}

/// A translated address is ours alone: replies to it are looked up in the NAT table.
void check_nat_source(Problems& problems, const Model& model, const Facts& facts,
                      const std::string& path, const IpAddress& address) {
  if (const auto reason = unusable_beyond_link(address)) {
    problems.add(path, *reason);
    return;
  }
  if (const auto vip = facts.service_by_vip.find(address); vip != facts.service_by_vip.end()) {
    problems.add(path,
                 address.to_string() + " is the VIP " + element("service", vip->second) +
                     ".address: NAT needs an address of its own",
                 element("service", vip->second) + ".address");
  }
  if (const auto own = facts.interface_by_address.find(address);
      own != facts.interface_by_address.end()) {
    const std::string interface = element("interface", own->second) + ".addresses";
    problems.add(path,
                 address.to_string() + " is the host's own, in " + interface +
                     ": the host's ports are not ours to use, take an address of its own",
                 interface);
  }
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    for (std::size_t j = 0; j < model.pools[i].backends.size(); ++j) {
      if (model.pools[i].backends[j].address != address) continue;
      const std::string backend = element(element("pool", i) + ".backends", j) + ".address";
      problems.add(path, address.to_string() + " is a backend's, " + backend, backend);
      return;
    }
  }
  check_other_uses(problems, model, path, address);
}

void check_nat_sources(Problems& problems, const Model& model, const Facts& facts, const Pool& pool,
                       const std::string& path) {
  if (!pool.snat) {
    if (!pool.nat_sources.empty())
      problems.add(path,
                   "has no meaning with snat = false, where backends see the client's "
                   "address: remove one of the two");
    return;
  }
  if (pool.nat_sources.empty()) {
    problems.add(path,
                 "is missing: forwarding \"nat\" needs the address, or addresses, that backends "
                 "see and answer to, for example [\"198.51.100.9\"]: not the host's own; or snat = "
                 "false, if "
                 "they route back through here");
    return;
  }
  if (pool.nat_sources.size() > kMaxNatSources) {
    problems.add(path, std::to_string(pool.nat_sources.size()) +
                           " addresses are too many: at most " + std::to_string(kMaxNatSources));
    return;
  }
  std::set<IpAddress> seen;
  for (std::size_t i = 0; i < pool.nat_sources.size(); ++i) {
    const std::string each = element(path, i);
    if (!seen.insert(pool.nat_sources[i]).second)
      problems.add(each, pool.nat_sources[i].to_string() + " is named twice");
    else
      check_nat_source(problems, model, facts, each, pool.nat_sources[i]);
  }
}

bool has_source_of(const Pool& pool, Family family) {
  for (const IpAddress& source : pool.nat_sources)
    if (source.family() == family) return true;
  return false;
}

/// Client, NAT address and backend are of one family: a header of another is not made.
void check_families(Problems& problems, const Model& model, const Facts& facts, const Pool& pool,
                    const std::string& path) {
  const auto services = facts.services_by_pool.find(pool.name);
  if (services == facts.services_by_pool.end()) return;
  for (const std::size_t index : services->second) {
    const Service& service = model.services[index];
    if (service.address.is_unspecified()) continue;
    const std::string related = element("service", index) + ".address";
    for (std::size_t i = 0; i < pool.backends.size(); ++i) {
      const IpAddress& address = pool.backends[i].address;
      if (address.is_unspecified() || address.family() == service.address.family()) continue;
      problems.add(element(path + ".backends", i) + ".address",
                   address.to_string() + " is not " + family_name(service.address) +
                       " as service " + base::quoted(service.name) +
                       " is: forwarding \"nat\" does not cross families",
                   related);
      return;
    }
    if (!pool.nat_sources.empty() && !has_source_of(pool, service.address.family())) {
      problems.add(path + ".source",
                   std::string("has no ") + family_name(service.address) +
                       " address, which service " + base::quoted(service.name) + " needs",
                   related);
      return;
    }
  }
}

/// Other schedulers than maglev choose anew for each connection, which NAT remembers one by one.
void check_nat_hash(Problems& problems, const Model& model, const Facts& facts, const Pool& pool,
                    const std::string& path) {
  if (!takes_turns(pool.scheduler)) return;
  const auto services = facts.services_by_pool.find(pool.name);
  if (services == facts.services_by_pool.end()) return;
  for (const std::size_t index : services->second) {
    if (model.services[index].hash == HashKey::kFiveTuple) continue;
    problems.add(path + ".scheduler",
                 base::quoted(to_string(pool.scheduler)) +
                     " cannot keep a client at one backend, as service " +
                     base::quoted(model.services[index].name) +
                     " wants: with forwarding \"nat\" take \"maglev\", or hash = \"five_tuple\"",
                 element("service", index) + ".hash");
    return;
  }
}

/// A service's packets are either translated or not, whoever takes them.
void check_nat_fallback(Problems& problems, const Model& model, const Pool& pool,
                        const std::string& path) {
  if (pool.panic.action != PanicAction::kFallback) return;
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    const Pool& other = model.pools[i];
    if (other.name != pool.panic.fallback_pool) continue;
    if (other.forwarding == Forwarding::kNat && pool.forwarding == Forwarding::kNat &&
        other.snat != pool.snat) {
      problems.add(path + ".fallback_pool",
                   "of " + base::quoted(pool.name) + " and " + base::quoted(other.name) +
                       " one has snat = false and the other has not: both must have it, the "
                       "backends of one do not send answers where the other's do",
                   element("pool", i) + ".snat");
    }
    if ((other.forwarding == Forwarding::kNat) == (pool.forwarding == Forwarding::kNat)) continue;
    problems.add(path + ".fallback_pool",
                 "of " + base::quoted(pool.name) + " and " + base::quoted(other.name) +
                     " one has forwarding \"nat\" and the other has not: both must have it",
                 element("pool", i) + ".forwarding");
  }
}

/// Only where backends would not see the client, and only over TCP is there an option to see.
void check_toa(Problems& problems, const Model& model, const Facts& facts, const Pool& pool,
               const std::string& path) {
  if (!pool.toa) return;
  if (pool.forwarding != Forwarding::kNat) {
    problems.add(path + ".toa", "is only for forwarding \"nat\": elsewhere backends see the client",
                 path + ".forwarding");
    return;
  }
  if (!pool.snat) {
    problems.add(path + ".toa", "has no meaning with snat = false, where backends see the client",
                 path + ".snat");
    return;
  }
  const auto services = facts.services_by_pool.find(pool.name);
  if (services == facts.services_by_pool.end()) return;
  for (const std::size_t index : services->second)
    if (model.services[index].protocol != Protocol::kUdp) return;
  problems.add(path + ".toa",
               "is for TCP, and none of the pool's services is: remove it, or change protocol",
               element("service", services->second.front()) + ".protocol");
}

}  // namespace

void check_nat(Problems& problems, const Model& model, const Facts& facts, std::size_t pool) {
  const Pool& own = model.pools[pool];
  const std::string path = element("pool", pool);
  check_nat_fallback(problems, model, own, path);
  if (own.forwarding != Forwarding::kNat && !own.snat) {
    problems.add(path + ".snat", "is only for forwarding \"nat\": remove it, or change forwarding",
                 path + ".forwarding");
  }
  check_toa(problems, model, facts, own, path);
  if (own.forwarding != Forwarding::kNat) return;
  check_nat_sources(problems, model, facts, own, path + ".source");
  check_families(problems, model, facts, own, path);
  check_nat_hash(problems, model, facts, own, path);
}

}  // namespace guideway::model
