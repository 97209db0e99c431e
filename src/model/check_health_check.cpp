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

void check_fast_interval(Problems& problems, const HealthCheck& check, const std::string& path) {
  if (check.fast_interval == milliseconds(0)) {
    return;
  }
  if (check.fast_interval < kMinCheckInterval || check.fast_interval > check.interval) {
    problems.add(path + ".fast_interval",
                 text(check.fast_interval) + " is out of range: allowed is " +
                     text(kMinCheckInterval) + " to interval, " + text(check.interval),
                 path + ".interval");
  }
}

void check_flap_hold(Problems& problems, const HealthCheck& check, const std::string& path) {
  if (check.flap_hold > kMaxFlapHold || check.longest_flap_hold > kMaxFlapHold) {
    problems.add(path + (check.flap_hold > kMaxFlapHold ? ".flap_hold" : ".longest_flap_hold"),
                 "is too long: allowed are at most 24h");
  } else if (check.longest_flap_hold < check.flap_hold) {
    problems.add(
        path + ".longest_flap_hold",
        text(check.longest_flap_hold) + " is shorter than flap_hold, " + text(check.flap_hold),
        path + ".flap_hold");
  }
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void check_http(Problems& problems, const HealthCheck& check, const std::string& path) {
  if (check.path.empty() || check.path.size() > kMaxCheckPathSize || check.path[0] != '/' ||
      !is_visible_ascii(check.path)) {
    problems.add(path + ".path", base::quoted(check.path) +
                                     " is not a request path: it must start with \"/\" and have at "
                                     "most " +
                                     std::to_string(kMaxCheckPathSize) +
                                     " visible ASCII characters");
  }
  if (check.host.size() > kMaxCheckHostSize || !is_visible_ascii(check.host)) {
    problems.add(path + ".host", base::quoted(check.host) + " is not a host: allowed are at most " +
                                     std::to_string(kMaxCheckHostSize) +
                                     " visible ASCII characters");
  }
  const bool good =
      std::all_of(check.expected_status.begin(), check.expected_status.end(), [](auto& range) {
        return kHttpStatusRange.contains(range.first) && kHttpStatusRange.contains(range.last) &&
               range.first <= range.last;
      });
  if (check.expected_status.empty() || check.expected_status.size() > kMaxStatusRanges || !good) {
    problems.add(path + ".expected_status", "must be 1 to " + std::to_string(kMaxStatusRanges) +
                                                " statuses or ranges of " +
                                                to_string(kHttpStatusRange));
  }
}

/// Keys that only some protocols have.
void check_foreign_keys(Problems& problems, const HealthCheck& check, const std::string& path) {
  const HealthCheck none;
  const bool http =
      check.protocol == CheckProtocol::kHttp || check.protocol == CheckProtocol::kHttps;
  const auto only = [&](bool allowed, bool is_set, const char* key, const char* protocols) {
    if (!allowed && is_set) {
      problems.add(path + key, std::string("is only for ") + protocols + ": remove it",
                   path + ".protocol");
    }
  };
  constexpr const char* kHttpOnly = "the protocols \"http\" and \"https\"";
  constexpr const char* kUdpOnly = "the protocol \"udp\"";
  only(http, check.path != none.path, ".path", kHttpOnly);
  only(http, check.host != none.host, ".host", kHttpOnly);
  only(http, check.expected_status != none.expected_status, ".expected_status", kHttpOnly);
  only(http, check.expected_text != none.expected_text, ".expected_text", kHttpOnly);
  const bool udp = check.protocol == CheckProtocol::kUdp;
  only(udp, check.send != none.send, ".send", kUdpOnly);
  only(udp, check.expect != none.expect, ".expect", kUdpOnly);
}

void check_request(Problems& problems, const HealthCheck& check, const std::string& path) {
  if (check.protocol == CheckProtocol::kHttp || check.protocol == CheckProtocol::kHttps) {
    check_http(problems, check, path);
  }
  check_foreign_keys(problems, check, path);
  const auto bounded = [&](const std::string& value, const char* key) {
    if (value.size() > kMaxCheckTextSize) {
      problems.add(path + key, "is too long: allowed are at most " +
                                   std::to_string(kMaxCheckTextSize) + " bytes");
    }
  };
  bounded(check.expected_text, ".expected_text");
  bounded(check.send, ".send");
  bounded(check.expect, ".expect");
}

/// A probe must be able to come from one and go to the other.
void check_addresses(Problems& problems, const Pool& pool, const std::string& path) {
  const HealthCheck& check = *pool.health_check;
  if (check.address) {
    if (const auto reason = unusable_beyond_link(*check.address)) {
      problems.add(path + ".address", *reason);
    }
  }
  if (!check.source) {
    return;
  }
  if (const auto reason = unusable(*check.source)) {
    problems.add(path + ".source", *reason);
    return;
  }
  const auto differs = [&](const IpAddress& to) {
    return !to.is_unspecified() && to.family() != check.source->family();
  };
  const bool any = check.address
                       ? differs(*check.address)
                       : std::any_of(pool.backends.begin(), pool.backends.end(),
                                     [&](const Backend& b) { return differs(b.address); });
  if (any) {
    problems.add(path + ".source", check.source->to_string() +
                                       " is not of the family of all that is probed: remove it, or "
                                       "make two pools");
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
  check_fast_interval(problems, check, path);
  check_flap_hold(problems, check, path);
  check_addresses(problems, owner, path);
  check_request(problems, check, path);
  check_port(problems, model, facts, owner, path);
  problems.check_range(path + ".jitter", check.jitter_percent, kJitterRange);
  problems.check_range(path + ".healthy_threshold", check.healthy_threshold, kThresholdRange);
  problems.check_range(path + ".unhealthy_threshold", check.unhealthy_threshold, kThresholdRange);
}

}  // namespace guideway::model
