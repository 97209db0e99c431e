// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/remarks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "checks.h"

namespace guideway::model {
namespace {

bool is_tunnel(Forwarding forwarding) {
  return forwarding != Forwarding::kL2Dsr && forwarding != Forwarding::kNat;
}

/// Whether IPv4 packets get an outer header, so that a full-sized one does not fit a link like the
/// one that it came by.
bool has_ipv4_in_tunnels(const Model& model) {
  std::set<std::string_view> tunnels;
  for (const Pool& pool : model.pools)
    if (is_tunnel(pool.forwarding)) tunnels.insert(pool.name);
  return std::ranges::any_of(model.services, [&](const Service& service) {
    return service.address.is_v4() && tunnels.contains(service.pool);
  });
}

/// Which packets are not fragmented in spite of on_too_big; null: none.
const char* when_not_fragmented(const Model& model) {
  switch (model.director.datapath) {
    case DatapathKind::kXdp:
      return "datapath \"xdp\" cannot fragment";
    case DatapathKind::kAfxdp:
      return "while no worker runs (at a restart, for example) the XDP program forwards, which "
             "cannot fragment";
    case DatapathKind::kAuto:
      if (model.interfaces.empty() || !is_kernel_device(model.interfaces.front().device))
        return nullptr;
      return "datapath \"auto\" may become \"xdp\" here, which cannot fragment";
    case DatapathKind::kDpdk:
      break;
  }
  return nullptr;
}

void remark_on_too_big(const Model& model, std::vector<std::string>& remarks) {
  if (model.director.on_too_big != OnTooBig::kFragment || !has_ipv4_in_tunnels(model)) return;
  const char* when = when_not_fragmented(model);
  if (!when) return;
  remarks.push_back(
      std::string("director.on_too_big: ") + when +
      ": IPv4 packets without DF that are too large for their tunnel are dropped then, as "
      "mtu_exceeded; on_too_big = \"drop\" makes that the rule and ends this note");
}

/// Who gets TCP connections of which pool's services, and by that pool's setting of toa.
class TcpBackends {
 public:
  explicit TcpBackends(const Model& model) : model_(model) {
    for (std::size_t i = 0; i < model.pools.size(); i++) places_.emplace(model.pools[i].name, i);
    for (const Service& service : model.services)
      if (const auto own = places_.find(service.pool);
          own != places_.end() && service.protocol != Protocol::kUdp)
        in_use_.insert(own->second);
  }

  /// Places of pools.
  const std::set<std::size_t>& pools() const { return in_use_; }
  /// Calls `see` with the address of each: the pool's own, and those that help it out.
  template <typename See>
  void each(std::size_t pool, See see) const {
    const Pool& own = model_.pools[pool];
    for (const Backend& backend : own.backends) see(backend.address);
    const auto helper = places_.find(own.panic.fallback_pool);
    if (helper == places_.end()) return;
    for (const Backend& backend : model_.pools[helper->second].backends) see(backend.address);
  }

 private:
  const Model& model_;
  std::map<std::string_view, std::size_t> places_;
  std::set<std::size_t> in_use_;
};

/// A module on a backend cannot tell which connections come by a pool whose clients' own options
/// are erased.
void remark_on_toa(const Model& model, std::vector<std::string>& remarks) {
  const auto has_toa = [](const Pool& pool) { return pool.toa; };
  if (std::ranges::none_of(model.pools, has_toa)) return;
  const TcpBackends tcp(model);
  std::set<IpAddress> believing;
  for (const std::size_t pool : tcp.pools())
    if (model.pools[pool].toa)
      tcp.each(pool, [&](const IpAddress& address) { believing.insert(address); });
  for (const std::size_t pool : tcp.pools()) {
    if (model.pools[pool].toa) continue;
    std::optional<IpAddress> shared;
    tcp.each(pool, [&](const IpAddress& address) {
      if (!shared && believing.contains(address)) shared = address;
    });
    if (shared)
      remarks.push_back(element("pool", pool) + ".toa: host " + shared->to_string() +
                        " is also a backend behind a pool with toa = true, and a toa module "
                        "believes all that it gets: clients of this pool can make up their address "
                        "there; set toa = true here, too, or have other hosts for it");
  }
}

}  // namespace

std::vector<std::string> remarks(const Model& model) {
  std::vector<std::string> remarks;
  remark_on_too_big(model, remarks);
  remark_on_toa(model, remarks);
  return remarks;
}

}  // namespace guideway::model
