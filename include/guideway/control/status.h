// SPDX-License-Identifier: Apache-2.0
// Status: what the director knows about itself at one moment, as plain values for the admin API.
// It holds no secret: no hash seed, no key.
// Threading: values.
#ifndef GUIDEWAY_CONTROL_STATUS_H_
#define GUIDEWAY_CONTROL_STATUS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/datapath/datapath.h"
#include "guideway/model/model.h"

namespace guideway::control {

struct ServiceStatus {
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  std::string protocol;
  std::string pool;
  gw_traffic traffic{};
};

struct BackendStatus {
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t weight = 0;
  /// "enabled", "drain", "disabled", or "removed": no longer configured, but flows are left.
  std::string state;
  std::uint32_t slots = 0;
  gw_traffic traffic{};
  std::uint32_t live_flows = 0;
  /// Why it gets no new flows; empty when it does.
  std::string reason;
  /// What its weight comes to, and from what; docs/health-checks.md has the rules.
  std::uint32_t effective_weight = 0;
  std::string weight_rule;
  bool reachable = false;
  std::string forced;    // "none", "up", "down"
  std::string standing;  // of the checks alone: "unchecked", "presumed", "healthy" …
  std::string mode;      // of its pool, in which it was decided; a guest's is its home's
  bool kept = false;     // of the last good set ("hold"), or spared ("normal")
  /// Damping keeps it unhealthy until then at least; Unix time; 0: it does not.
  std::int64_t held_until_s = 0;
  /// Of a guest from a fallback pool: the pool that it is configured in.
  std::string home;
  /// Where the packets of its tunnel come from; empty: no tunnel, or nothing can be sent to it.
  std::string outer_source;
  /// "disabled", "draining"; "unused" if no service has the pool; "unchecked" without a health
  /// check; "panic": not healthy, but used; "initial", "healthy", "unhealthy".
  std::string health;
  /// Why the last probe failed, and more about it; empty if it did not.
  std::string health_reason;
  std::string health_detail;
  std::int64_t health_since_s = 0;  // Unix time; 0: no check
  /// Of the last probe that counted and failed: these stay when it recovers. Time 0: none.
  std::string last_error;
  std::string last_error_detail;
  std::int64_t last_error_at_s = 0;  // Unix time
  std::int64_t probe_latency_us = 0;
  /// Probes by result: "success", or the reason of the failure. Since guidewayd started, or the
  /// backend was added.
  std::vector<std::pair<std::string, std::uint64_t>> probes;
};

struct PoolStatus {
  std::string name;
  std::string forwarding;
  std::string scheduler;
  std::uint32_t slots = 0;
  /// It uses all its backends, whatever their health.
  bool fails_open = false;
  std::vector<BackendStatus> backends;
  std::string state;  // "normal", "initial", "panic"
  std::string mode;   // "normal", "fail_open", "hold", "fallback"
  /// Of the weight of the backends that could be used and have a verdict.
  std::uint32_t healthy_percent = 100;
  /// What backends that have left it had counted until then, since the start.
  gw_traffic gone{};
};

/// To all backends of the pool, guests and those that have left it included: as long as there is
/// the pool, it never runs backwards. Without load_offset.
gw_traffic traffic_of(const PoolStatus& pool);
/// Of all its backends.
std::uint64_t live_flows_of(const PoolStatus& pool);

struct NatAddressStatus {
  IpAddress address;
  /// Ports in use when the flows were counted, of 64,512.
  std::uint32_t ports_used = 0;
};

struct Status {
  std::string director;
  std::uint64_t generation = 0;
  /// Of the configuration: DesiredState::revision.
  std::uint64_t revision = 0;
  /// Of the change that the generation came from.
  std::string change_id;
  /// How long the generation took to build.
  std::int64_t build_time_us = 0;
  /// Changes that led to no generation, since the start.
  std::uint64_t changes_refused = 0;
  /// Entries that the flow table has room for, and those in use when the flows were counted.
  std::uint64_t flow_entries = 0;
  std::uint64_t flow_entries_used = 0;
  /// By address; empty without a pool that has NAT.
  std::vector<NatAddressStatus> nat_addresses;
  /// Seconds since the flows were counted; negative: not yet.
  std::int64_t live_flows_age_s = -1;
  /// All packets saw this generation, or a later one, when that count began.
  std::uint64_t live_flows_generation = 0;
  std::uint64_t uptime_s = 0;
  datapath::DatapathStatus datapath;
  std::vector<ServiceStatus> services;
  std::vector<PoolStatus> pools;
};

/// "drain".
const char* name_of(model::AdminState state);
/// "none", "up", "down".
const char* name_of(model::Forced forced);

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_STATUS_H_
