// SPDX-License-Identifier: Apache-2.0
// The service table: the model's services as a cuckoo hash, which gw_find_service() reads. Each key
// stands in one of its two candidate entries; a seed under which all find room is searched for
// here.
// Threading: no state.
// Source: Pagh and Rodler, Cuckoo Hashing, J. Algorithms 51 (2004).
#ifndef GUIDEWAY_COMPILE_SERVICE_TABLE_H_
#define GUIDEWAY_COMPILE_SERVICE_TABLE_H_

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/compile/forwarding_state.h"
#include "guideway/compile/nat_ids.h"
#include "guideway/core/layout.h"
#include "guideway/model/model.h"

namespace guideway::compile {

/// Which id each (address, protocol, port) has. Counters are kept by id, so a service keeps its id
/// for as long as it exists, whatever comes and goes beside it.
using ServiceKey = std::tuple<IpAddress, std::uint8_t, std::uint16_t>;
using ServiceIds = std::map<ServiceKey, std::uint16_t>;

struct ServiceTable {
  /// A power of two of entries, at least four times as many as are used.
  std::vector<gw_service> entries;
  /// For gw_state::service_seed.
  std::uint64_t seed = 1;
  /// Some service has port 0.
  bool has_any_port = false;
  /// Index: service id. Without earlier ids in the order of the model; a tcp_udp service is TCP
  /// first, then UDP.
  std::vector<ServiceInfo> info;
  ServiceIds ids;
};

/// Places every service, and every VIP with GW_PROTO_NONE; every NAT address likewise, as a VIP and
/// with one entry for TCP and one for UDP that leads to its plane. Pool ids are indices into
/// model.pools. A service that is in `previous` keeps its id, the others get the lowest that nobody
/// has there; an id of a service that is just going only when capacity.services leaves no other.
/// Errors: a service that names no pool or is there twice, an idle timeout out of range, more
/// services than ids.
Result<ServiceTable> make_service_table(const model::Model& model, const ServiceIds& previous = {},
                                        const NatIds& nat_ids = NatIds());

/// The most entries that a table of `services` services takes: each may bring a VIP of its own.
std::uint32_t service_table_size_for(std::uint32_t services, std::uint32_t nat_addresses);

/// What tells a service apart in the flow hash: from its address, protocol and port alone, so that
/// it survives restarts and any change of other services. `port` is in host order.
std::uint32_t service_salt(const IpAddress& address, std::uint8_t protocol, std::uint16_t port);

}  // namespace guideway::compile

#endif  // GUIDEWAY_COMPILE_SERVICE_TABLE_H_
