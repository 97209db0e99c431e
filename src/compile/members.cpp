// SPDX-License-Identifier: Apache-2.0
#include "members.h"

#include <algorithm>
#include <set>

namespace guideway::compile {

const model::Pool* find_pool(const model::Model& model, const std::string& name) {
  const auto found = std::find_if(model.pools.begin(), model.pools.end(),
                                  [&](const model::Pool& pool) { return pool.name == name; });
  return found == model.pools.end() ? nullptr : &*found;
}

std::vector<Member> members_of(const model::Model& model, const model::Pool& pool) {
  std::vector<Member> members;
  std::set<model::BackendKey> own;
  for (const model::Backend& backend : pool.backends) {
    members.push_back({model::key_of(pool, backend), &pool, &backend});
    own.insert(members.back().key);
  }
  if (pool.panic.action != model::PanicAction::kFallback) return members;
  const model::Pool* fallback = find_pool(model, pool.panic.fallback_pool);
  if (!fallback) return members;
  for (const model::Backend& backend : fallback->backends) {
    const model::BackendKey key{pool.name, backend.address, backend.port};
    if (own.count(key) == 0) members.push_back({key, fallback, &backend});
  }
  return members;
}

}  // namespace guideway::compile
