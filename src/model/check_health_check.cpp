// SPDX-License-Identifier: Apache-2.0
// The rules of a pool's health check.
#include <algorithm>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

using std::chrono::milliseconds;

std::string text(milliseconds time) { return std::to_string(time.count()) + "ms"; }

void check_times(Problems& problems, const HealthCheck& check, const std::string& path) {
  const bool interval_good =
      check.interval >= kMinCheckInterval && check.interval <= kMaxCheckInterval;
  if (!interval_good) {
    problems.add(path + ".interval", text(check.interval) + " is out of range: allowed is " +
                                         text(kMinCheckInterval) + " to " +
                                         text(kMaxCheckInterval));
  }
  if (check.timeout < kMinCheckTimeout) {
    problems.add(path + ".timeout", text(check.timeout) + " is too short: allowed is " +
                                        text(kMinCheckTimeout) + " or more, below interval");
  } else if (interval_good && check.timeout >= check.interval) {
    problems.add(path + ".timeout",
                 text(check.timeout) + " is not shorter than interval, " + text(check.interval) +
                     ": a probe must end before the next one starts",
                 path + ".interval");
  }
}

bool is_request_path(std::string_view path) {
  return !path.empty() && path.size() <= kMaxCheckPathSize && path[0] == '/' &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void check_request(Problems& problems, const HealthCheck& check, const std::string& path) {
  const bool http =
      check.protocol == CheckProtocol::kHttp || check.protocol == CheckProtocol::kHttps;
  if (http && !is_request_path(check.path)) {
    problems.add(path + ".path", base::quoted(check.path) +
                                     " is not a request path: it must start with \"/\" and have at "
                                     "most " +
                                     std::to_string(kMaxCheckPathSize) +
                                     " visible ASCII characters");
  }
  if (!http && check.path != HealthCheck{}.path) {
    problems.add(path + ".path", "is only for the protocols \"http\" and \"https\": remove it",
                 path + ".protocol");
  }
}

/// The port "traffic" must be one port.
void check_traffic_port(Problems& problems, const Model& model,
                        const std::vector<std::size_t>& services, const std::string& path) {
  const Service& first = model.services[services.front()];
  for (const std::size_t i : services) {
    const Service& service = model.services[i];
    const std::string related = element("service", i) + ".port";
    if (service.port == 0) {
      problems.add(path,
                   "\"traffic\" says nothing, because service " + base::quoted(service.name) +
                       " takes any port: write a number",
                   related);
      return;
    }
    if (service.port != first.port) {
      problems.add(path,
                   "\"traffic\" is more than one port, because the services " +
                       base::quoted(first.name) + " and " + base::quoted(service.name) +
                       " differ: write a number",
                   related);
      return;
    }
  }
}

void check_port(Problems& problems, const Model& model, const Facts& facts, const Pool& pool,
                const std::string& path) {
  const HealthCheck& check = *pool.health_check;
  if (check.protocol == CheckProtocol::kPing) {
    if (check.port != 0) {
      problems.add(path + ".port", "has no meaning for the protocol \"ping\": remove it",
                   path + ".protocol");
    }
    return;
  }
  const auto services = facts.services_by_pool.find(pool.name);
  const bool follows_service =
      check.port == 0 && std::any_of(pool.backends.begin(), pool.backends.end(),
                                     [](const Backend& backend) { return backend.port == 0; });
  if (follows_service && services != facts.services_by_pool.end()) {
    check_traffic_port(problems, model, services->second, path + ".port");
  }
}

}  // namespace

void check_health_check(Problems& problems, const Model& model, const Facts& facts,
                        std::size_t pool) {
  const Pool& owner = model.pools[pool];
  if (!owner.health_check) {
    return;
  }
  const HealthCheck& check = *owner.health_check;
  const std::string path = element("pool", pool) + ".health_check";
  if (check.protocol == CheckProtocol::kExec) {
    problems.add(path + ".protocol", "\"exec\" is not in this version");
  }
  check_times(problems, check, path);
  check_request(problems, check, path);
  check_port(problems, model, facts, owner, path);
  problems.check_range(path + ".healthy_threshold", check.healthy_threshold, kThresholdRange);
  problems.check_range(path + ".unhealthy_threshold", check.unhealthy_threshold, kThresholdRange);
}

}  // namespace guideway::model
