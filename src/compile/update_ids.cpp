// SPDX-License-Identifier: Apache-2.0
#include "update_ids.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "members.h"

namespace guideway::compile {
namespace {

/// The longest idle timeout of the services of each pool that has any.
std::map<std::string, std::uint16_t> longest_timeouts(const model::Model& model) {
  std::map<std::string, std::uint16_t> result;
  for (const model::Service& service : model.services) {
    std::uint16_t& longest = result[service.pool];
    longest = std::max(longest, static_cast<std::uint16_t>(service.idle_timeout.count()));
  }
  return result;
}

/// Writes what the model says about a backend over what was known.
void update(BackendIds::Entry& entry, const Member& member) {
  entry.removed = false;
  entry.name = member.backend->name;
  entry.forwarding = member.home->forwarding;
  entry.vxlan = member.home->vxlan;
  entry.gre = member.home->gre;
  entry.gue = member.home->gue;
  entry.source = member.home->source;
}

tl::unexpected<Error> fail_no_free_id(const BackendIds& ids) {
  std::size_t removed = 0;
  for (const auto& [id, entry] : ids.entries()) removed += entry.removed ? 1 : 0;
  return base::fail("more backends than capacity.backends = " + std::to_string(ids.capacity()) +
                    " (" + std::to_string(removed) +
                    " ids are held by removed backends until their flows have ended): wait, or "
                    "raise it and restart");
}

}  // namespace

Result<BackendIds> update_ids(BackendIds ids, const model::Model& model) {
  std::set<std::uint16_t> removed;
  for (const auto& [id, entry] : ids.entries()) removed.insert(id);
  for (const model::Pool& pool : model.pools) {
    for (const Member& member : members_of(model, pool)) {
      const std::optional<std::uint16_t> id = ids.acquire(member.key);
      if (!id) return fail_no_free_id(ids);
      update(ids.at(*id), member);
      removed.erase(*id);
    }
  }
  for (const std::uint16_t id : removed) ids.at(id).removed = true;

  const std::map<std::string, std::uint16_t> timeouts = longest_timeouts(model);
  for (const auto& [id, entry] : ids.entries()) {
    // A pool that lost its last service may still have flows: they keep its old timeout.
    const auto timeout = timeouts.find(entry.key.pool);
    if (timeout != timeouts.end()) ids.at(id).sweep_timeout_s = timeout->second;
  }
  return ids;
}

}  // namespace guideway::compile
