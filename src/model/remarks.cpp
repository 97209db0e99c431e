// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/remarks.h"

#include <algorithm>
#include <set>
#include <string_view>

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

}  // namespace

std::vector<std::string> remarks(const Model& model) {
  if (model.director.on_too_big != OnTooBig::kFragment || !has_ipv4_in_tunnels(model)) return {};
  const char* when = when_not_fragmented(model);
  if (!when) return {};
  return {std::string("director.on_too_big: ") + when +
          ": IPv4 packets without DF that are too large for their tunnel are dropped then, as "
          "mtu_exceeded; on_too_big = \"drop\" makes that the rule and ends this note"};
}

}  // namespace guideway::model
