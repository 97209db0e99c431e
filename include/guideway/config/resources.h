// SPDX-License-Identifier: Apache-2.0
// Resources: the part of a configuration that may change while the director runs, services and
// pools, in the words of the file, and single changes to it. docs/admin-api.md shows both.
// Threading: values; the functions have no state.
#ifndef GUIDEWAY_CONFIG_RESOURCES_H_
#define GUIDEWAY_CONFIG_RESOURCES_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/model/model.h"

namespace guideway::config {

/// Keys stay in the order in which they were written.
using Json = nlohmann::ordered_json;

/// Arrays of tables, as they stand in the file, defaults left out. Not checked by itself:
/// read_resources() does that.
struct Resources {
  Json services = Json::array();
  Json pools = Json::array();
  friend bool operator==(const Resources&, const Resources&) = default;
};

/// What a change is about: "services/web", "pools/web", "pools/web/backends/b1".
struct ResourcePath {
  enum class Kind { kService, kPool, kBackend };
  Kind kind = Kind::kService;
  /// Of the service or the pool.
  std::string name;
  std::string backend;

  /// Errors: it is none of the three forms, or a part of it is no name.
  static Result<ResourcePath> parse(std::string_view text);
  std::string to_string() const;
};

struct Change {
  /// Put replaces the whole resource or makes it; patch is a JSON merge patch (RFC 7396).
  enum class Op { kPut, kPatch, kDelete };
  Op op = Op::kPut;
  ResourcePath path;
  Json value;  // an object; null for kDelete
};

/// {"op": "put", "path": "pools/web", "value": {…}}, and back.
Json to_json(const Change& change);
Result<Change> change_of(const Json& json);

/// One thing that is wrong, with the key that it is about ("pool[0].backends[1].weight").
struct FieldError {
  std::string field;
  std::string message;
  bool not_found = false;
};

/// Carries the change out. Errors: there is no such resource (the message names the nearest), or
/// the value cannot belong to it; nothing has changed then.
std::optional<FieldError> apply(const Change& change, Resources& resources);

/// The resource itself; null if there is none.
const Json* find_resource(const Resources& resources, const ResourcePath& path);

/// "there is no pool \"wbe\"; did you mean \"web\"?"
std::string no_such(const Resources& resources, const ResourcePath& path);

/// Changes that make `to` of `from`: patches of the keys that differ, puts of what is new, and
/// deletes. Services that go come first and services that come last, so that a pool is there as
/// long as it is used. Cost: linear, and n log n for the names.
std::vector<Change> difference(const Resources& from, const Resources& to);

struct ModelResult {
  /// Set exactly when there are no errors; it has then passed model::validate().
  std::optional<model::Model> model;
  std::vector<FieldError> errors;
};

/// `rest` with these services and pools in place of its own.
ModelResult read_resources(const model::Model& rest, const Resources& resources);

/// The configuration as a file (TOML): `rest`, the other tables of the file in force, and the
/// resources.
std::string to_toml(const Json& rest, const Resources& resources);

}  // namespace guideway::config

#endif  // GUIDEWAY_CONFIG_RESOURCES_H_
