// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include "guideway/config/resources.h"

namespace guideway::config {
namespace {

using PathKind = ResourcePath::Kind;

std::string name_of(const Json& item) {
  const auto name = item.is_object() ? item.find("name") : item.end();
  return name != item.end() && name->is_string() ? name->get<std::string>() : std::string();
}

std::map<std::string, const Json*> by_name(const Json& items) {
  std::map<std::string, const Json*> found;
  for (const Json& item : items)
    if (std::string name = name_of(item); !name.empty()) found.emplace(std::move(name), &item);
  return found;
}

/// The merge patch (RFC 7396) that makes `to` of `from`; null if they are the same. `except` is a
/// key that is left alone.
Json patch_between(const Json& from, const Json& to, std::string_view except = {}) {
  Json patch;
  for (const auto& [key, value] : to.items()) {
    if (key == except) continue;
    const auto old = from.find(key);
    if (old == from.end())
      patch[key] = value;
    else if (old->is_object() && value.is_object()) {
      if (Json inner = patch_between(*old, value); !inner.is_null()) patch[key] = std::move(inner);
    } else if (*old != value) {
      patch[key] = value;
    }
  }
  for (const auto& [key, value] : from.items())
    if (key != except && !to.contains(key)) patch[key] = nullptr;
  return patch;
}

/// The changes by what has to come first.
struct Sorted {
  std::vector<Change> removed_services;
  std::vector<Change> removed_pools;
  std::vector<Change> pools;
  std::vector<Change> services;
};

Change deletion(ResourcePath path) { return {Change::Op::kDelete, std::move(path), nullptr}; }

const Json& backends_of(const Json& pool) {
  static const Json kNone = Json::array();
  const auto backends = pool.find("backends");
  return backends != pool.end() && backends->is_array() ? *backends : kNone;
}

void compare_backends(const std::string& pool, const Json& from, const Json& to,
                      std::vector<Change>& changes) {
  const auto old = by_name(backends_of(from));
  const auto wanted = by_name(backends_of(to));
  // Before what is new: that may have an address which one of these gives up.
  for (const auto& [name, backend] : old)
    if (!wanted.contains(name)) changes.push_back(deletion({PathKind::kBackend, pool, name}));
  for (const auto& [name, backend] : wanted) {
    const auto before = old.find(name);
    const ResourcePath path{PathKind::kBackend, pool, name};
    if (before == old.end())
      changes.push_back({Change::Op::kPut, path, *backend});
    else if (Json patch = patch_between(*before->second, *backend); !patch.is_null())
      changes.push_back({Change::Op::kPatch, path, std::move(patch)});
  }
}

void compare_pools(const Json& from, const Json& to, Sorted& sorted) {
  const auto old = by_name(from);
  const auto wanted = by_name(to);
  for (const auto& [name, pool] : old)
    if (!wanted.contains(name))
      sorted.removed_pools.push_back(deletion({PathKind::kPool, name, ""}));
  for (const auto& [name, pool] : wanted) {
    const auto before = old.find(name);
    const ResourcePath path{PathKind::kPool, name, ""};
    if (before == old.end()) {
      sorted.pools.push_back({Change::Op::kPut, path, *pool});
      continue;
    }
    if (Json patch = patch_between(*before->second, *pool, "backends"); !patch.is_null())
      sorted.pools.push_back({Change::Op::kPatch, path, std::move(patch)});
    compare_backends(name, *before->second, *pool, sorted.pools);
  }
}

void compare_services(const Json& from, const Json& to, Sorted& sorted) {
  const auto old = by_name(from);
  const auto wanted = by_name(to);
  for (const auto& [name, service] : old)
    if (!wanted.contains(name))
      sorted.removed_services.push_back(deletion({PathKind::kService, name, ""}));
  for (const auto& [name, service] : wanted) {
    const auto before = old.find(name);
    const ResourcePath path{PathKind::kService, name, ""};
    if (before == old.end())
      sorted.services.push_back({Change::Op::kPut, path, *service});
    else if (Json patch = patch_between(*before->second, *service); !patch.is_null())
      sorted.services.push_back({Change::Op::kPatch, path, std::move(patch)});
  }
}

}  // namespace

std::vector<Change> difference(const Resources& from, const Resources& to) {
  Sorted sorted;
  compare_pools(from.pools, to.pools, sorted);
  compare_services(from.services, to.services, sorted);
  std::vector<Change> all = std::move(sorted.removed_services);
  for (auto* part : {&sorted.pools, &sorted.services, &sorted.removed_pools})
    std::move(part->begin(), part->end(), std::back_inserter(all));
  return all;
}

}  // namespace guideway::config
