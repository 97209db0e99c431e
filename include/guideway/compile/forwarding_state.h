// SPDX-License-Identifier: Apache-2.0
// ForwardingState: the compiled, immutable tables of one generation, in the layout of
// core/layout.h, plus what people need to read them (names). Threading: immutable once published;
// shared as shared_ptr<const ForwardingState>.
#ifndef GUIDEWAY_COMPILE_FORWARDING_STATE_H_
#define GUIDEWAY_COMPILE_FORWARDING_STATE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/compile/backend_ids.h"
#include "guideway/compile/effective_weight.h"
#include "guideway/compile/maglev.h"
#include "guideway/compile/nat_ids.h"
#include "guideway/compile/pool_guard.h"
#include "guideway/core/layout.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// What a backend id means, for status. Index: backend id.
struct BackendInfo {
  bool used = false;
  /// Still has a record for its old flows, but is in no pool any more.
  bool removed = false;
  std::string pool;
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t weight = 0;
  /// What the operator wants of it; means nothing when `removed`.
  model::AdminState state = model::AdminState::kEnabled;
  /// Of a guest from the fallback pool: the pool that it is configured in. Else empty.
  std::string home;
  /// What its weight came from. Mean nothing when `removed`.
  WeightFactors factors;
  EffectiveWeight effective;
  /// Slots that point here, out of the pool's.
  std::uint32_t slots = 0;
  /// Why it gets no new flows, in words; empty when it does.
  std::string reason;
  /// It cannot be reached, because the next hop does not answer.
  bool no_neighbour = false;
  /// It cannot be reached yet: the next hop has been asked for its MAC address.
  bool is_resolving = false;
  /// It is unhealthy, and others of its pool are not: whoever is on it is better off anew.
  bool resets_flows = false;
  /// But not before this has been so for so long: the others of its pool may turn out to fail as
  /// well.
  std::chrono::milliseconds reset_patience{0};
  /// When it could not be reached before: its checks failed for that, and need their time to say
  /// something new.
  std::chrono::milliseconds return_patience{0};
};

/// What a service id means. Index: service id (one per protocol: a tcp_udp service has two).
struct ServiceInfo {
  bool used = false;
  std::string name;
  IpAddress address;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  std::string pool;
};

/// Index: pool id.
struct PoolInfo {
  std::string name;
  std::uint32_t slots = 0;
  PoolState state = PoolState::kNormal;
  PoolMode mode = PoolMode::kNormal;
  /// Of the weight of the backends that could be used and have a verdict.
  std::uint32_t healthy_percent = 100;
  model::Scheduler scheduler = model::Scheduler::kMaglev;
  /// Who gets new flows: what slots and ring were made of.
  std::vector<MaglevBackend> eligible;
};

struct ForwardingState {
  gw_state header{};
  std::vector<gw_service> services;  // cuckoo table, power of two, header.service_count entries
  std::vector<gw_pool> pools;
  std::vector<std::uint16_t> slots;
  std::vector<gw_backend> backends;
  std::vector<gw_nat_address> nat_addresses;  // by plane

  std::vector<ServiceInfo> service_info;
  std::vector<PoolInfo> pool_info;
  std::vector<BackendInfo> backend_info;
  /// What the ids mean, in full: kept with the flow table for the next daemon.
  BackendIds ids;
  NatIds nat_ids;

  std::uint64_t generation() const { return header.generation; }
};

using ForwardingStatePtr = std::shared_ptr<const ForwardingState>;

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_FORWARDING_STATE_H_
