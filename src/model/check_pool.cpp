// SPDX-License-Identifier: Apache-2.0
// The rules of [[pool]], without its backends and its health check.

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

bool is_prime(std::uint64_t number) {
  if (number < 2) {
    return false;
  }
  for (std::uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) {
      return false;
    }
  }
  return true;
}

/// REQUIRES: number is in kTableSizeRange, whose upper end is prime.
std::uint64_t next_prime(std::uint64_t number) {
  while (!is_prime(number)) {
    ++number;
  }
  return number;
}

/// A backend with a weight above 0 must be worth a slot. All of them count, whatever their state:
/// to enable one must not break the pool.
void check_weights_fit(Problems& problems, const Pool& pool, const std::string& path) {
  std::uint64_t sum = 0;
  const Backend* lightest = nullptr;
  for (const Backend& backend : pool.backends) {
    sum += backend.weight;
    if (backend.weight > 0 && (lightest == nullptr || backend.weight < lightest->weight)) {
      lightest = &backend;
    }
  }
  if (lightest == nullptr || std::uint64_t{lightest->weight} * pool.table_size >= sum) {
    return;
  }
  const std::uint64_t needed = (sum + lightest->weight - 1) / lightest->weight;
  const bool possible = needed <= static_cast<std::uint64_t>(kTableSizeRange.most);
  problems.add(path, std::to_string(pool.table_size) + " is too small: backend " +
                         base::quoted(lightest->name) + " with weight " +
                         std::to_string(lightest->weight) + " of " + std::to_string(sum) +
                         " would get less than one slot; " +
                         (possible ? "take " + std::to_string(next_prime(needed)) +
                                         " or a larger prime, or make the weights less unequal"
                                   : "make the weights less unequal"));
}

void check_table(Problems& problems, const Pool& pool, const std::string& path) {
  if (!kTableSizeRange.contains(pool.table_size)) {
    problems.check_range(path, pool.table_size, kTableSizeRange);
    return;
  }
  if (!is_prime(pool.table_size)) {
    problems.add(path, std::to_string(pool.table_size) +
                           " is not a prime number: the next one is " +
                           std::to_string(next_prime(pool.table_size)));
    return;
  }
  check_weights_fit(problems, pool, path);
}

void check_vxlan(Problems& problems, const Pool& pool, const std::string& path) {
  const std::string vxlan_path = path + ".vxlan";
  if (pool.forwarding == Forwarding::kVxlan && !pool.vxlan) {
    problems.add(vxlan_path,
                 "is missing: forwarding \"vxlan\" needs it, for example { vni = 100, inner_mac = "
                 "\"02:67:77:00:00:01\" }",
                 path + ".forwarding");
  }
  if (!pool.vxlan) {
    return;
  }
  problems.check_range(vxlan_path + ".vni", pool.vxlan->vni, kVniRange);
  problems.check_range(vxlan_path + ".port", pool.vxlan->port, kPortRange);
  const Mac& mac = pool.vxlan->inner_mac;
  if (mac.is_zero() || (mac.bytes[0] & 1) != 0) {
    problems.add(vxlan_path + ".inner_mac", mac.to_string() +
                                                " is not the address of one device: write the MAC "
                                                "address of the backends' VXLAN device");
  }
}

/// The settings of a kind of tunnel that the pool has not.
void check_tunnel(Problems& problems, const Pool& pool, const std::string& path, bool is_set,
                  Forwarding forwarding, const std::string& name) {
  if (!is_set || pool.forwarding == forwarding) return;
  problems.add(path + "." + name,
               "is only for forwarding " + base::quoted(name) + ": remove it, or change forwarding",
               path + ".forwarding");
}

void check_tunnels(Problems& problems, const Pool& pool, const std::string& path) {
  check_tunnel(problems, pool, path, pool.vxlan.has_value(), Forwarding::kVxlan, "vxlan");
  check_tunnel(problems, pool, path, pool.gre.has_value(), Forwarding::kGre, "gre");
  check_tunnel(problems, pool, path, pool.gue.has_value(), Forwarding::kGue, "gue");
  check_vxlan(problems, pool, path);
  if (pool.gue) problems.check_range(path + ".gue.port", pool.gue->port, kPortRange);
}

void check_source(Problems& problems, const Pool& pool, const std::string& path) {
  if (!pool.source) {
    return;
  }
  const std::string source_path = path + ".source";
  if (pool.forwarding == Forwarding::kL2Dsr) {
    problems.add(source_path,
                 "has no meaning with forwarding \"l2dsr\", which adds no outer header: "
                 "remove it",
                 path + ".forwarding");
    return;
  }
  if (const auto reason = unusable(*pool.source)) {
    problems.add(source_path, *reason);
    return;
  }
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    const IpAddress& address = pool.backends[i].address;
    if (!address.is_unspecified() && address.family() != pool.source->family()) {
      const std::string backend_path = element(path + ".backends", i) + ".address";
      problems.add(source_path,
                   pool.source->to_string() + " is not of the family of backend " +
                       base::quoted(pool.backends[i].name) + ", " + address.to_string() +
                       ": write \"auto\", or an address of the backends' family",
                   backend_path);
      return;
    }
  }
}

void check_fallback(Problems& problems, const Model& model, const Pool& pool,
                    const std::string& path) {
  const std::string fallback_path = path + ".fallback_pool";
  const PanicPolicy& panic = pool.panic;
  if (panic.action != PanicAction::kFallback) {
    if (!panic.fallback_pool.empty()) {
      problems.add(fallback_path, "is only for panic = \"fallback\": write that, or remove it",
                   path + ".panic");
    }
    return;
  }
  if (panic.fallback_pool.empty()) {
    problems.add(fallback_path, "is missing: panic = \"fallback\" needs it", path + ".panic");
    return;
  }
  if (panic.fallback_pool == pool.name) {
    problems.add(fallback_path, "is the pool itself: name another one");
    return;
  }
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    if (model.pools[i].name != panic.fallback_pool) continue;
    if (model.pools[i].panic.action == PanicAction::kFallback) {
      problems.add(fallback_path,
                   base::quoted(panic.fallback_pool) +
                       " falls back itself: a chain of fallbacks is not possible",
                   element("pool", i) + ".panic");
    }
    return;
  }
  problems.add(fallback_path, "there is no pool " + base::quoted(panic.fallback_pool));
}

void check_panic(Problems& problems, const Model& model, const Pool& pool,
                 const std::string& path) {
  const PanicPolicy& panic = pool.panic;
  problems.check_range(path + ".panic_threshold", panic.threshold, kPercentRange);
  problems.check_range(path + ".panic_hysteresis", panic.hysteresis, kPercentRange);
  problems.check_range(path + ".max_ejected_percent", panic.max_ejected_percent, kPercentRange);
  if (panic.action == PanicAction::kHold && panic.threshold == 0) {
    problems.add(path + ".panic_threshold",
                 "0 leaves only the backend that failed last to be held: panic = \"hold\" needs a "
                 "threshold, for example 50",
                 path + ".panic");
  }
  check_fallback(problems, model, pool, path);
}

}  // namespace

void check_pools(Problems& problems, const Model& model, const Facts& facts) {
  UniqueNames names;
  for (std::size_t i = 0; i < model.pools.size(); ++i) {
    const Pool& pool = model.pools[i];
    const std::string path = element("pool", i);
    problems.check_name(path + ".name", pool.name);
    names.check(problems, path + ".name", pool.name);
    check_tunnels(problems, pool, path);
    check_source(problems, pool, path);
    check_nat(problems, model, facts, i);
    check_table(problems, pool, path + ".table_size");
    check_panic(problems, model, pool, path);
    check_backends(problems, model, facts, i);
    check_health_check(problems, model, facts, i);
  }
}

}  // namespace guideway::model
