// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/resources.h"

#include <algorithm>
#include <array>

#include "guideway/base/text.h"
#include "guideway/config/values.h"
#include "guideway/model/validate.h"

namespace guideway::config {
namespace {

constexpr std::array<std::string_view, 3> kOpNames{"put", "patch", "delete"};

Result<std::string> name_part(std::string_view text) {
  if (!model::is_name(text)) return base::fail(base::quoted(text) + " is not a name");
  return std::string(text);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find('/');
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_called(const Json& item, std::string_view name) {
  if (!item.is_object()) return false;
  const auto key = item.find("name");
  return key != item.end() && key->is_string() && key->get_ref<const std::string&>() == name;
}

/// The item of an array of tables; end() if there is none.
template <typename Array>
auto find_item(Array& items, std::string_view name) {
  return std::find_if(items.begin(), items.end(),
                      [&](const Json& item) { return is_called(item, name); });
}

/// The array that the resource is an item of; null if its pool is missing.
Json* array_of(Resources& resources, const ResourcePath& path) {
  if (path.kind == ResourcePath::Kind::kService) return &resources.services;
  if (path.kind == ResourcePath::Kind::kPool) return &resources.pools;
  const auto pool = find_item(resources.pools, path.name);
  if (pool == resources.pools.end()) return nullptr;
  Json& backends = (*pool)["backends"];
  if (!backends.is_array()) backends = Json::array();
  return &backends;
}

const std::string& last_name(const ResourcePath& path) {
  return path.kind == ResourcePath::Kind::kBackend ? path.backend : path.name;
}

/// The value with its name in it, first.
Json named(const Json& value, const std::string& name) {
  Json result = Json::object();
  result["name"] = name;
  for (const auto& [key, item] : value.items()) result[key] = item;
  return result;
}

std::optional<FieldError> check_value(const Change& change) {
  if (change.op == Change::Op::kDelete) return std::nullopt;
  const std::string where = change.path.to_string();
  if (!change.value.is_object()) return FieldError{where, "must be an object", false};
  const auto name = change.value.find("name");
  if (name != change.value.end() && *name != last_name(change.path))
    return FieldError{where + ".name", "is another name than the resource's: a resource keeps it",
                      false};
  return std::nullopt;
}

}  // namespace

Result<ResourcePath> ResourcePath::parse(std::string_view text) {
  const auto parts = split(text);
  ResourcePath path;
  if (parts.size() == 2 && parts[0] == "services") {
    path.kind = Kind::kService;
  } else if (parts.size() == 2 && parts[0] == "pools") {
    path.kind = Kind::kPool;
  } else if (parts.size() == 4 && parts[0] == "pools" && parts[2] == "backends") {
    path.kind = Kind::kBackend;
    auto backend = name_part(parts[3]);
    if (!backend) return tl::unexpected(backend.error());
    path.backend = std::move(*backend);
  } else {
    return base::fail(base::quoted(text) +
                      " is no resource: write services/S, pools/P or pools/P/backends/B");
  }
  auto name = name_part(parts[1]);
  if (!name) return tl::unexpected(name.error());
  path.name = std::move(*name);
  return path;
}

std::string ResourcePath::to_string() const {
  if (kind == Kind::kService) return "services/" + name;
  if (kind == Kind::kPool) return "pools/" + name;
  return "pools/" + name + "/backends/" + backend;
}

Json to_json(const Change& change) {
  Json json = {{"op", kOpNames.at(static_cast<std::size_t>(change.op))},
               {"path", change.path.to_string()}};
  if (change.op != Change::Op::kDelete) json["value"] = change.value;
  return json;
}

Result<Change> change_of(const Json& json) {
  if (!json.is_object()) return base::fail("a change must be an object with op, path and value");
  Change change;
  for (const auto& [key, value] : json.items())
    if (key != "op" && key != "path" && key != "value")
      return base::fail("unknown key " + base::quoted(key) + ": a change has op, path and value");
  const auto op = json.find("op");
  const auto known = op == json.end() || !op->is_string()
                         ? kOpNames.end()
                         : std::find(kOpNames.begin(), kOpNames.end(), op->get<std::string>());
  if (known == kOpNames.end()) return base::fail("op must be \"put\", \"patch\" or \"delete\"");
  change.op = static_cast<Change::Op>(known - kOpNames.begin());
  const auto path = json.find("path");
  if (path == json.end() || !path->is_string()) return base::fail("path must be a string");
  auto parsed = ResourcePath::parse(path->get<std::string>());
  if (!parsed) return base::fail("path: " + parsed.error().message);
  change.path = std::move(*parsed);
  if (change.op != Change::Op::kDelete) {
    const auto value = json.find("value");
    if (value == json.end()) return base::fail("value is missing");
    change.value = *value;
  }
  return change;
}

const Json* find_resource(const Resources& resources, const ResourcePath& path) {
  const Json* items =
      path.kind == ResourcePath::Kind::kService ? &resources.services : &resources.pools;
  auto found = find_item(*items, path.name);
  if (found == items->end()) return nullptr;
  if (path.kind != ResourcePath::Kind::kBackend) return &*found;
  const auto backends = found->find("backends");
  if (backends == found->end() || !backends->is_array()) return nullptr;
  const auto backend = find_item(*backends, path.backend);
  return backend == backends->end() ? nullptr : &*backend;
}

std::string no_such(const Resources& resources, const ResourcePath& path) {
  using Kind = ResourcePath::Kind;
  const Json* items = path.kind == Kind::kService ? &resources.services : &resources.pools;
  std::string kind = path.kind == Kind::kService ? "service" : "pool";
  std::string name = path.name;
  const auto pool = find_item(resources.pools, path.name);
  static const Json kNone = Json::array();
  if (path.kind == Kind::kBackend && pool != resources.pools.end()) {
    const auto backends = pool->find("backends");
    items = backends != pool->end() && backends->is_array() ? &*backends : &kNone;
    kind = "backend";
    name = path.backend;
  }
  std::vector<std::string> names;
  for (const Json& item : *items)
    if (item.is_object() && item.contains("name") && item["name"].is_string())
      names.push_back(item["name"].get<std::string>());
  std::string text = "there is no " + kind + " " + base::quoted(name);
  if (!names.empty()) text += "; did you mean " + base::quoted(nearest(name, names)) + "?";
  return text;
}

std::optional<FieldError> apply(const Change& change, Resources& resources) {
  if (auto wrong = check_value(change)) return wrong;
  const auto missing = [&] {
    return FieldError{change.path.to_string(), no_such(resources, change.path), true};
  };
  const bool makes = change.op == Change::Op::kPut;
  if (!makes && !find_resource(resources, change.path)) return missing();
  Json* items = array_of(resources, change.path);
  if (!items) return missing();
  const std::string& name = last_name(change.path);
  const auto found = find_item(*items, name);
  switch (change.op) {
    case Change::Op::kPut:
      if (found == items->end())
        items->push_back(named(change.value, name));
      else
        *found = named(change.value, name);
      break;
    case Change::Op::kPatch:
      found->merge_patch(change.value);
      break;
    case Change::Op::kDelete:
      items->erase(found);
      break;
  }
  return std::nullopt;
}

}  // namespace guideway::config
