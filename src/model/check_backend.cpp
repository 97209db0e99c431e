// SPDX-License-Identifier: Apache-2.0
// The rules of a pool's backends.
#include <map>
#include <optional>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

void check_address(Problems& problems, const Facts& facts, const std::string& path,
                   const IpAddress& address) {
  if (const auto reason = unusable_beyond_link(address)) {
    problems.add(path, *reason);
    return;
  }
  if (const auto vip = facts.service_by_vip.find(address); vip != facts.service_by_vip.end()) {
    const std::string service = element("service", vip->second) + ".address";
    problems.add(
        path, address.to_string() + " is the VIP " + service + ": write the server's own address",
        service);
  }
  if (const auto own = facts.interface_by_address.find(address);
      own != facts.interface_by_address.end()) {
    const std::string interface = element("interface", own->second) + ".addresses";
    problems.add(
        path, address.to_string() + " is our own, in " + interface + ": a backend is another host",
        interface);
  }
}

/// Finds a backend that an earlier one already is. Port 0 stands for the service's port, which
/// outside of nat is what any other port must be equal to: it equals all.
class Duplicates {
 public:
  /// The index of an earlier backend with the same address and port.
  std::optional<std::size_t> find_or_add(const Backend& backend, std::size_t index) {
    auto& ports = first_[backend.address];
    if (!ports.empty()) {
      if (backend.port == 0 || ports.begin()->first == 0) {
        return ports.begin()->second;
      }
      if (const auto same = ports.find(backend.port); same != ports.end()) {
        return same->second;
      }
    }
    ports.emplace(backend.port, index);
    return std::nullopt;
  }

 private:
  std::map<IpAddress, std::map<std::uint16_t, std::size_t>> first_;
};

/// The ports of the services that use a pool, as far as a backend's port needs them.
class ServicePorts {
 public:
  ServicePorts(const Model& model, const Facts& facts, const std::string& pool) : model_(model) {
    const auto services = facts.services_by_pool.find(pool);
    if (services == facts.services_by_pool.end() || pool.empty()) {
      return;
    }
    first_ = services->second.front();
    for (const std::size_t i : services->second) {
      if (model.services[i].port != model.services[*first_].port) {
        different_ = i;
        return;
      }
    }
  }

  /// A service whose port is not `port`.
  std::optional<std::size_t> other_than(std::uint16_t port) const {
    return first_ && model_.services[*first_].port == port ? different_ : first_;
  }

 private:
  const Model& model_;
  std::optional<std::size_t> first_;
  std::optional<std::size_t> different_;  // from first_
};

void check_port(Problems& problems, const Model& model, const ServicePorts& ports,
                const std::string& path, std::uint16_t port) {
  if (port == 0) {
    return;
  }
  if (const auto i = ports.other_than(port)) {
    const Service& service = model.services[*i];
    problems.add(
        path,
        std::to_string(port) + " is not the port of service " + base::quoted(service.name) + ", " +
            (service.port == 0 ? "any" : std::to_string(service.port)) +
            ": only forwarding \"nat\" can change the port; remove the backend's port, or take nat",
        element("service", *i) + ".port");
  }
}

}  // namespace

void check_backends(Problems& problems, const Model& model, const Facts& facts, std::size_t pool) {
  const Pool& owner = model.pools[pool];
  const std::string parent = element("pool", pool) + ".backends";
  UniqueNames names;
  Duplicates duplicates;
  const ServicePorts ports(model, facts, owner.name);
  for (std::size_t i = 0; i < owner.backends.size(); ++i) {
    const Backend& backend = owner.backends[i];
    const std::string path = element(parent, i);
    problems.check_name(path + ".name", backend.name);
    names.check(problems, path + ".name", backend.name);
    check_address(problems, facts, path + ".address", backend.address);
    problems.check_range(path + ".weight", backend.weight, kWeightRange);
    if (owner.forwarding != Forwarding::kNat)
      check_port(problems, model, ports, path + ".port", backend.port);
    if (backend.address.is_unspecified()) {
      continue;
    }
    if (const auto first = duplicates.find_or_add(backend, i)) {
      problems.add(path + ".address",
                   "the same address and port as " + element(parent, *first) + " (" +
                       base::quoted(owner.backends[*first].name) + "): name each server once",
                   element(parent, *first) + ".address");
    }
  }
}

}  // namespace guideway::model
