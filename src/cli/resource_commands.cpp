// SPDX-License-Identifier: Apache-2.0
// service|pool|backend add, set, remove.
#include "change.h"
#include "command.h"
#include "guideway/base/text.h"
#include "pairs.h"
#include "resource.h"

namespace guideway::cli {
namespace {

/// What one cannot be made without: each is a key, or another one that stands for it.
const std::vector<std::pair<std::string, std::string>>& required_keys(const std::string& kind) {
  using Keys = std::vector<std::pair<std::string, std::string>>;
  static const Keys service = {{"address", ""}, {"port", ""}, {"pool", "forward"}};
  static const Keys pool = {};
  static const Keys backend = {{"address", ""}};
  return kind == "service" ? service : kind == "pool" ? pool : backend;
}

Outcome<void> check_required(const std::string& kind, const Json& body) {
  for (const auto& [key, other] : required_keys(kind))
    if (!body.contains(key) && (other.empty() || !body.contains(other)))
      return failed(kUsage,
                    "a " + kind + " needs its " + key + ": add --" + key + " or " + key + "=VALUE");
  return {};
}

/// The pairs and the command's own options.
Outcome<Json> body_of(const Call& call) {
  auto body = parse_pairs({call.arguments.begin() + 1, call.arguments.end()});
  if (!body) return body;
  for (const std::string& name : call.command.options) {
    if (!call.line.has(name)) continue;
    if (body->contains(name)) return failed(kUsage, "--" + name + " and a pair name the same key");
    // A name may consist of digits.
    const std::string value = call.line.get(name);
    (*body)[name] = name == "pool" ? Json(value) : typed_value(value);
  }
  return body;
}

/// Those with a time to live are added again and again, which renews it.
enum class IfThere { kRefuse, kRenew };

/// The revision at which there is no resource of this name, or one that is to be renewed.
Outcome<std::uint64_t> revision_to_add(const Call& call, const Resource& resource,
                                       IfThere if_there) {
  const auto list = call.daemon.read_before_write(resource.list_path);
  if (!list) return tl::unexpected(list.error());
  for (const Json& one : list->at(resource.list_member)) {
    const Json& config = one.at("config");
    if (if_there == IfThere::kRefuse &&
        config.at("name").get_ref<const std::string&>() == resource.name)
      return failed(kFault, "there is a " + resource.kind + " " + base::quoted(resource.name) +
                                " already; to change it: guideway " + resource.kind + " set " +
                                base::escape_untrusted(call.arguments[0]) + " KEY=VALUE");
  }
  const auto asked = asked_revision(call);
  if (!asked) return tl::unexpected(asked.error());
  return asked->value_or(list->at("revision").get<std::uint64_t>());
}

}  // namespace

Outcome<void> add_resource(Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  const auto body = body_of(call);
  if (!body) return tl::unexpected(body.error());
  if (auto good = check_required(resource->kind, *body); !good) return good;
  const auto if_there = body->contains("ttl") ? IfThere::kRenew : IfThere::kRefuse;
  const auto revision = revision_to_add(call, *resource, if_there);
  if (!revision) return tl::unexpected(revision.error());
  const auto answer = send_change(call, *revision, {"PUT", resource->path, "", json_line(*body)});
  if (!answer) return tl::unexpected(answer.error());
  tell(call, *answer);
  return {};
}

Outcome<void> set_resource(Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  const auto body = body_of(call);
  if (!body) return tl::unexpected(body.error());
  return change_and_tell(call, resource->path, {"PATCH", resource->path, "", json_line(*body)});
}

Outcome<void> remove_resource(Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  return change_and_tell(call, resource->path, {"DELETE", resource->path, "", ""});
}

}  // namespace guideway::cli
