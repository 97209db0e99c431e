// SPDX-License-Identifier: Apache-2.0
#include "members.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace guideway::compile {

const model::Pool* find_pool(const model::Model& model, const std::string& name) {
  const auto found = std::find_if(model.pools.begin(), model.pools.end(),
                                  [&](const model::Pool& pool) { return pool.name == name; });
  return found == model.pools.end() ? nullptr : &*found;
}

std::vector<Member> guests_of(const model::Model& model, const model::Pool& pool) {
  if (pool.panic.action != model::PanicAction::kFallback) return {};
  const model::Pool* fallback = find_pool(model, pool.panic.fallback_pool);
  if (!fallback) return {};
  std::set<model::BackendKey> own;
  for (const model::Backend& backend : pool.backends) own.insert(model::key_of(pool, backend));
  std::vector<Member> guests;
  for (const model::Backend& backend : fallback->backends) {
    model::BackendKey key{pool.name, backend.address, backend.port};
    if (own.count(key) == 0) guests.push_back({std::move(key), fallback, &backend});
  }
  return guests;
}

std::vector<Member> members_of(const model::Model& model, const model::Pool& pool) {
  std::vector<Member> members;
  members.reserve(pool.backends.size());
  for (const model::Backend& backend : pool.backends)
    members.push_back({model::key_of(pool, backend), &pool, &backend});
  std::vector<Member> guests = guests_of(model, pool);
  std::move(guests.begin(), guests.end(), std::back_inserter(members));
  return members;
}

}  // namespace guideway::compile
