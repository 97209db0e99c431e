// SPDX-License-Identifier: Apache-2.0
// The rules of [[service]].
#include <map>
#include <tuple>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

/// Who takes (address, port, protocol); a tcp_udp service takes two. Port 0 is a key of its own:
/// an exact port goes before it.
class Takers {
 public:
  void check(Problems& problems, const Model& model, std::size_t index) {
    const Service& service = model.services[index];
    std::optional<std::size_t> taken;
    if (service.protocol != Protocol::kUdp) {
      taken = take(service, Protocol::kTcp, index);
    }
    if (service.protocol != Protocol::kTcp) {
      const auto taken_udp = take(service, Protocol::kUdp, index);
      taken = taken ? taken : taken_udp;
    }
    if (taken) {
      const std::string other = element("service", *taken);
      problems.add(element("service", index) + ".address",
                   "the same address, protocol and port as " + other + " (" +
                       base::quoted(model.services[*taken].name) + "): they must differ in one",
                   other + ".address");
    }
  }

 private:
  std::optional<std::size_t> take(const Service& service, Protocol protocol, std::size_t index) {
    const auto [entry, is_new] =
        first_.emplace(std::tuple(service.address, service.port, protocol), index);
    return is_new ? std::nullopt : std::optional(entry->second);
  }

  std::map<std::tuple<IpAddress, std::uint16_t, Protocol>, std::size_t> first_;
};

void check_vip_mode(Problems& problems, const Model& model, const Facts& facts, std::size_t index) {
  const Service& service = model.services[index];
  const std::size_t first = facts.service_by_vip.at(service.address);
  if (model.services[first].vip != service.vip) {
    const std::string other = element("service", first) + ".vip";
    problems.add(element("service", index) + ".vip",
                 "differs from " + other +
                     " of the same address: an address is either \"owned\" or "
                     "\"routed\"",
                 other);
  }
}

void check_pool_exists(Problems& problems, const Facts& facts, const std::string& service,
                       const std::string& pool) {
  // An unnamed pool is a problem already, and may well be the one that is meant.
  if (facts.pool_names.contains(pool) || facts.pool_names.contains("")) {
    return;
  }
  const std::string hint = facts.pool_names.empty()
                               ? ": add it"
                               : ": add it, or name one that is there, for example " +
                                     base::quoted(*facts.pool_names.begin());
  // The second path is the longer form of `pool` in the file.
  problems.add(service + ".pool", "there is no [[pool]] with the name " + base::quoted(pool) + hint,
               service + ".forward[0].pool");
}

}  // namespace

void check_services(Problems& problems, const Model& model, const Facts& facts) {
  UniqueNames names;
  Takers takers;
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    const Service& service = model.services[i];
    const std::string path = element("service", i);
    problems.check_name(path + ".name", service.name);
    names.check(problems, path + ".name", service.name);
    check_pool_exists(problems, facts, path, service.pool);
    if (service.idle_timeout < kMinIdleTimeout || service.idle_timeout > kMaxIdleTimeout) {
      problems.add(path + ".idle_timeout", std::to_string(service.idle_timeout.count()) +
                                               "s is out of range: allowed is " +
                                               std::to_string(kMinIdleTimeout.count()) + "s to " +
                                               std::to_string(kMaxIdleTimeout.count()) + "s");
    }
    if (const auto reason = unusable_beyond_link(service.address)) {
      problems.add(path + ".address", *reason);
      continue;
    }
    check_vip_mode(problems, model, facts, i);
    takers.check(problems, model, i);
  }
}

}  // namespace guideway::model
