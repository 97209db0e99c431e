// SPDX-License-Identifier: Apache-2.0
// backend drain, enable, disable, force-up, force-down, auto.
#include <chrono>
#include <optional>

#include "change.h"
#include "command.h"
#include "drain_wait.h"
#include "guideway/config/values.h"
#include "resource.h"

namespace guideway::cli {
namespace {

/// The option as the daemon takes it; a mistake in it is said before anything is sent.
Outcome<std::optional<std::chrono::seconds>> duration_option(const Call& call,
                                                             const std::string& name) {
  if (!call.line.has(name)) return std::nullopt;
  const auto time = config::parse_seconds(call.line.get(name));
  if (!time) return failed(kUsage, "--" + name + ": " + time.error().message);
  return std::optional(*time);
}

Outcome<std::string> drain_body(const Call& call) {
  if (call.line.has("then") && !call.line.has("deadline"))
    return failed(kUsage,
                  "--then says what happens at the deadline: add --deadline, for example "
                  "--deadline 5m");
  Json body = Json::object();
  for (const char* name : {"deadline", "then"})
    if (call.line.has(name)) body[name] = call.line.get(name);
  return body.empty() ? "" : json_line(body);
}

/// The last word of the command is the resource's.
std::string verb_of(const Call& call) {
  return call.command.words.substr(call.command.words.rfind(' ') + 1);
}

}  // namespace

Outcome<void> drain_backend(Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  const auto deadline = duration_option(call, "deadline");
  if (!deadline) return tl::unexpected(deadline.error());
  const auto body = drain_body(call);
  if (!body) return tl::unexpected(body.error());
  const auto answer =
      send_change(call, resource->path, {"POST", resource->path + "/drain", "", *body});
  if (!answer) return tl::unexpected(answer.error());
  if (call.line.has("wait") && !call.line.has("dry-run"))
    return wait_until_drained(call, resource->path, *answer, *deadline);
  tell(call, *answer);
  return {};
}

Outcome<void> switch_backend(Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  const auto time = duration_option(call, "for");
  if (!time) return tl::unexpected(time.error());
  const std::string body = *time ? json_line({{"for", call.line.get("for")}}) : "";
  return change_and_tell(call, resource->path,
                         {"POST", resource->path + "/" + verb_of(call), "", body});
}

}  // namespace guideway::cli
