// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/validate.h"

#include <algorithm>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {

std::string to_string(const Range& range) {
  return std::to_string(range.least) + " to " + std::to_string(range.most);
}

void Problems::check_range(const std::string& path, std::int64_t value, const Range& range) {
  if (!range.contains(value)) {
    add(path, std::to_string(value) + " is out of range: allowed is " + to_string(range));
  }
}

bool is_name(std::string_view text, std::size_t longest) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), allowed);
}

void Problems::check_name(const std::string& path, std::string_view name, std::size_t longest) {
  if (!is_name(name, longest)) {
    add(path, base::quoted(name) + " is not a name: allowed are 1 to " + std::to_string(longest) +
                  " characters of A-Z a-z 0-9 . _ -");
  }
}

std::string element(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

void UniqueNames::check(Problems& problems, const std::string& path, const std::string& name) {
  if (name.empty()) {
    return;
  }
  const auto [first, is_new] = first_.emplace(name, path);
  if (!is_new) {
    problems.add(
        path,
        base::quoted(name) + " is the name of " + first->second + " already: names must be unique",
        first->second);
  }
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<std::string> unusable(const IpAddress& address) {
  const auto because = [&](const char* kind) {
    return address.to_string() + " is " + kind + ": a unicast address is needed";
  };
  if (address.is_unspecified()) {
    return because("the unspecified address");
  }
  if (address.is_loopback()) {
    return because("a loopback address");
  }
  if (address.is_multicast()) {
    return because("a multicast address");
  }
  if (address == IpAddress::v4({255, 255, 255, 255})) {
    return because("the broadcast address");
  }
  return std::nullopt;
}

std::optional<std::string> unusable_beyond_link(const IpAddress& address) {
  if (address.is_link_local()) {
    return address.to_string() +
           " is a link-local address, which is another host on each link: use one that is routed";
  }
  return unusable(address);
}

std::map<std::string, std::vector<std::size_t>> services_of_all(const Model& model) {
  std::map<std::string_view, std::string_view> fallbacks;  // empty: none
  for (const Pool& pool : model.pools) {
    const bool falls_back = pool.panic.action == PanicAction::kFallback;
    fallbacks.emplace(pool.name, falls_back ? std::string_view(pool.panic.fallback_pool) : "");
  }
  std::map<std::string, std::vector<std::size_t>> services;
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    const auto own = fallbacks.find(model.services[i].pool);
    if (own == fallbacks.end()) continue;
    services[std::string(own->first)].push_back(i);
    if (own->second.empty() || own->second == own->first) continue;
    if (fallbacks.contains(own->second)) services[std::string(own->second)].push_back(i);
  }
  return services;
}

Facts::Facts(const Model& model) {
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    service_by_vip.emplace(model.services[i].address, i);
  }
  for (std::size_t i = 0; i < model.interfaces.size(); ++i) {
    for (const IpPrefix& prefix : model.interfaces[i].addresses) {
      interface_by_address.emplace(prefix.address, i);
    }
  }
  for (const Pool& pool : model.pools) pool_names.insert(pool.name);
  services_by_pool = services_of_all(model);
}

std::vector<Problem> validate(const Model& model) {
  const Facts facts(model);
  Problems problems;
  check_director(problems, model.director);
  check_capacity(problems, model);
  check_admin(problems, model.admin);
  check_interfaces(problems, model);
  check_pools(problems, model, facts);
  check_services(problems, model, facts);
  return problems.take();
}

std::set<IpAddress> nat_addresses_of(const Model& model) {
  std::set<IpAddress> addresses;
  for (const Pool& pool : model.pools)
    addresses.insert(pool.nat_sources.begin(), pool.nat_sources.end());
  return addresses;
}

std::vector<IpAddress> nat_planes_of(const Model& model) {
  const std::set<IpAddress> addresses = nat_addresses_of(model);
  std::vector<IpAddress> planes(addresses.begin(), addresses.end());
  std::set<Family> kept;
  const auto services = services_of_all(model);
  for (const Pool& pool : model.pools) {
    if (pool.forwarding != Forwarding::kNat || pool.snat) continue;
    for (const Backend& backend : pool.backends) kept.insert(backend.address.family());
    if (const auto own = services.find(pool.name); own != services.end())
      for (const std::size_t index : own->second)
        kept.insert(model.services[index].address.family());
  }
  for (const Family family : kept) planes.push_back(IpAddress::unspecified(family));
  return planes;
}

std::uint32_t nat_capacity_of(const Model& model) {
  if (model.capacity.nat_addresses) return *model.capacity.nat_addresses;
  return static_cast<std::uint32_t>(nat_planes_of(model).size());
}

std::vector<std::size_t> services_of(const Model& model, const std::string& pool) {
  std::set<std::string> leads_here = {pool};
  for (const Pool& each : model.pools)
    if (each.panic.action == PanicAction::kFallback && each.panic.fallback_pool == pool)
      leads_here.insert(each.name);
  std::vector<std::size_t> services;
  for (std::size_t i = 0; i < model.services.size(); ++i)
    if (leads_here.count(model.services[i].pool) != 0) services.push_back(i);
  return services;
}

const char* to_string(Scheduler scheduler) {
  switch (scheduler) {
    case Scheduler::kMaglev:
      return "maglev";
    case Scheduler::kRoundRobin:
      return "round_robin";
    case Scheduler::kWeightedRoundRobin:
      return "weighted_round_robin";
    case Scheduler::kLeastConnections:
      return "least_connections";
    case Scheduler::kWeightedLeastConnections:
      return "weighted_least_connections";
  }
  return "";
}

std::uint64_t slots_of(const Pool& pool) {
  return std::uint64_t{pool.table_size} * (takes_turns(pool.scheduler) ? 2 : 1);
}

BackendKey key_of(const Pool& pool, const Backend& backend) {
  return {pool.name, backend.address, backend.port};
}

}  // namespace guideway::model
