// SPDX-License-Identifier: Apache-2.0
// PUT, PATCH, DELETE, POST: each becomes one change of the controller's.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <algorithm>
#include <charconv>

#include "guideway/base/text.h"
#include "routes.h"

namespace guideway::admin {
namespace {

using config::Change;
using config::ResourcePath;
using control::ChangeOutcome;
using control::ChangeRequest;
using control::MarkChange;
using std::chrono::seconds;

constexpr seconds kLeastTime{1};
constexpr seconds kMostConfirm{3600};
constexpr seconds kMostTime{seconds(std::chrono::hours(24 * 366))};

CallError invalid(std::string field, std::string message) {
  return {422, "invalid", std::move(field), std::move(message)};
}

CallError bad_call(std::string field, std::string message) {
  return {400, "bad_request", std::move(field), std::move(message)};
}

struct CodeName {
  unsigned status;
  const char* code;
};

CodeName name_of(ChangeOutcome::Code code) {
  switch (code) {
    case ChangeOutcome::Code::kDone:
      return {200, ""};
    case ChangeOutcome::Code::kConflict:
      return {412, "revision_conflict"};
    case ChangeOutcome::Code::kMalformed:
      return {400, "bad_request"};
    case ChangeOutcome::Code::kInvalid:
      return {422, "invalid"};
    case ChangeOutcome::Code::kNotFound:
      return {404, "not_found"};
    case ChangeOutcome::Code::kUnfit:
      return {409, "conflict"};
    case ChangeOutcome::Code::kNotSaved:
      return {507, "not_saved"};
    case ChangeOutcome::Code::kBusy:
      return {503, "busy"};
  }
  return {500, "fault"};
}

Response refusal_of(const ChangeOutcome& outcome) {
  const CodeName name = name_of(outcome.code);
  Json all = Json::array();
  for (const auto& error : outcome.errors)
    all.push_back({{"field", error.field}, {"message", error.message}});
  const config::FieldError first = outcome.errors.empty()
                                       ? config::FieldError{"", "please report this", false}
                                       : outcome.errors.front();
  const Json json = {{"api", 1},
                     {"revision", outcome.revision},
                     {"error",
                      {{"code", name.code},
                       {"field", first.field},
                       {"message", first.message},
                       {"all", std::move(all)}}}};
  Response response;
  response.status = name.status;
  response.body = to_text(json);
  response.revision = outcome.revision;
  return response;
}

Json plan_json(const control::Plan& plan) {
  Json pools = Json::array();
  for (const auto& pool : plan.pools)
    pools.push_back(
        {{"pool", pool.pool},
         {"slots", pool.slots},
         {"slots_moved", pool.slots_moved},
         {"moved_percent", pool.slots == 0 ? 0.0 : 100.0 * pool.slots_moved / pool.slots}});
  const Json age = plan.live_flows_age_s < 0 ? Json(nullptr) : Json(plan.live_flows_age_s);
  Json removed = Json::array();
  for (const auto& removal : plan.removed)
    removed.push_back({{"path", removal.path.to_string()},
                       {"live_flows", removal.live_flows},
                       {"live_flows_age_s", age}});
  Json services = Json::array();
  for (const auto& moved : plan.services)
    services.push_back({{"service", moved.service},
                        {"address", moved.address.to_string()},
                        {"port", moved.port},
                        {"protocol", moved.protocol},
                        {"from_pool", moved.from_pool},
                        {"to_pool", moved.to_pool.empty() ? Json(nullptr) : Json(moved.to_pool)},
                        {"live_flows_at_most", moved.live_flows_at_most},
                        {"live_flows_age_s", age}});
  return {{"pools", std::move(pools)},
          {"removed", std::move(removed)},
          {"services", std::move(services)},
          {"notes", plan.notes}};
}

Response done_of(const ChangeOutcome& outcome, bool dry_run, bool created) {
  Json json = {{"api", 1},
               {"revision", outcome.revision},
               {"generation", outcome.generation},
               {"change_id", outcome.change_id},
               {"changes", changes_json(outcome.changes)},
               {"dry_run", dry_run}};
  if (dry_run) {
    json.update(plan_json(outcome.plan.value_or(control::Plan{})));
  }
  Response response;
  response.status = created && !dry_run ? 201 : 200;
  response.body = to_text(json);
  response.revision = outcome.revision;
  return response;
}

/// "12" or "\"12\"" of If-Match.
tl::expected<std::optional<std::uint64_t>, CallError> wanted_revision(std::string_view text) {
  if (text.empty() || text == "*") return std::optional<std::uint64_t>();
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  std::uint64_t revision = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (error != std::errc() || end != text.data() + text.size())
    return tl::unexpected(bad_call("If-Match", "must be a revision such as 12"));
  return std::optional(revision);
}

/// Fills what all writes have in common and hands the request over.
void submit(Call call, ChangeRequest request) {
  const auto revision = wanted_revision(call.request.if_match);
  if (!revision) return call.respond(to_response(revision.error()));
  request.if_revision = *revision;
  request.change_id = call.request.request_id;
  if (const auto dry = call.query.find("dry_run"); dry != call.query.end()) {
    if (dry->second != "true" && dry->second != "false")
      return call.respond(to_response(bad_call("dry_run", "must be true or false")));
    request.dry_run = dry->second == "true";
  }
  const bool dry_run = request.dry_run;
  // The resource that a PUT of it may make.
  const bool puts = call.request.method == "PUT" && !request.changes.empty();
  const std::string made = puts ? request.changes.front().path.to_string() : "";
  call.controller.change(std::move(request), [respond = std::move(call.respond), dry_run,
                                              made](const ChangeOutcome& outcome) {
    const auto& changes = outcome.changes;
    const bool created = std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
      return change.op == Change::Op::kPut && change.path.to_string() == made;
    });
    respond(outcome.code == ChangeOutcome::Code::kDone ? done_of(outcome, dry_run, created)
                                                       : refusal_of(outcome));
  });
}

void refuse_write(const Call& call, const CallError& error) { call.respond(to_response(error)); }

tl::expected<ResourcePath, CallError> resource_of(const Call& call) {
  std::string text;
  if (const auto service = call.names.find("service"); service != call.names.end())
    text = "services/" + service->second;
  if (const auto pool = call.names.find("pool"); pool != call.names.end())
    text = "pools/" + pool->second;
  if (const auto backend = call.names.find("backend"); backend != call.names.end())
    text += "/backends/" + backend->second;
  auto path = ResourcePath::parse(text);
  if (!path) return tl::unexpected(bad_call("target", path.error().message));
  return std::move(*path);
}

/// The time under `key` (if it can have one) of an object, taken out of it; none if it is not
/// there.
tl::expected<std::optional<seconds>, CallError> take_time(Json& body, const char* key) {
  if (key == nullptr || !body.is_object() || !body.contains(key)) return std::optional<seconds>();
  const Json value = body[key];
  body.erase(key);
  if (!value.is_string()) return tl::unexpected(invalid(key, "must be a string such as \"30s\""));
  const auto time = parse_time(key, value.get<std::string>(), kLeastTime, kMostTime);
  if (!time) return tl::unexpected(time.error());
  return std::optional(*time);
}

/// A configuration in either form, with no more than services and pools in force. It is read beside
/// the control thread, as part of the change.
void fill_replacement(Call& call, ChangeRequest& request) {
  if (std::string_view(call.request.content_type).starts_with("application/toml"))
    request.replacement_file = std::move(call.request.body);
  else
    request.replacement_json = std::move(call.request.body);
}

std::optional<CallError> refuse_keys(const Json& body, std::string_view allowed) {
  if (body.is_null()) return std::nullopt;
  if (!body.is_object()) return invalid("body", "the body must be an object");
  for (const auto& [key, value] : body.items())
    if (key != allowed)
      return invalid(base::escape_untrusted(key),
                     allowed.empty() ? "is unknown: there is nothing to say here"
                                     : "is unknown: there is " + std::string(allowed));
  return std::nullopt;
}

/// The last part of the path: "drain".
std::string_view action_of(const Call& call) {
  std::string_view path = call.request.target;
  path = path.substr(0, path.find('?'));
  return path.substr(path.rfind('/') + 1);
}

Change set_state(const ResourcePath& path, const char* state) {
  return {Change::Op::kPatch, path, {{"state", state}}};
}

/// "then": "keep" or "reset", taken out of the body.
tl::expected<bool, CallError> take_reset(Json& body) {
  if (!body.is_object() || !body.contains("then")) return false;
  const Json then = body["then"];
  body.erase("then");
  if (then != "keep" && then != "reset")
    return tl::unexpected(invalid("then", "must be \"keep\" or \"reset\""));
  return then == "reset";
}

/// What the action makes of the request.
std::optional<CallError> fill_action(Call& call, const ResourcePath& path, ChangeRequest& request) {
  const std::string_view action = action_of(call);
  MarkChange mark{{path.name, path.backend}, MarkChange::What::kKeep, std::nullopt, false};
  if (action == "drain") {
    const auto reset = take_reset(call.body);
    if (!reset) return reset.error();
    const auto deadline = take_time(call.body, "deadline");
    if (!deadline) return deadline.error();
    if (*reset && !*deadline) return invalid("deadline", "is missing: \"reset\" needs one");
    mark.what = MarkChange::What::kDrain;
    mark.time = *deadline;
    mark.reset = *reset;
    request.changes.push_back(set_state(path, "drain"));
  } else if (action == "enable" || action == "disable") {
    request.changes.push_back(set_state(path, action == "enable" ? "enabled" : "disabled"));
  } else {
    const auto time = take_time(call.body, "for");
    if (!time) return time.error();
    mark.time = *time;
    mark.what = action == "force-up"     ? MarkChange::What::kForceUp
                : action == "force-down" ? MarkChange::What::kForceDown
                                         : MarkChange::What::kAuto;
  }
  request.marks.push_back(mark);
  return refuse_keys(call.body, "");
}

}  // namespace

void put_config(Call call) {
  ChangeRequest request;
  fill_replacement(call, request);
  if (const auto within = call.query.find("confirm_within"); within != call.query.end()) {
    const auto time = parse_time("confirm_within", within->second, kLeastTime, kMostConfirm);
    if (!time) return refuse_write(call, time.error());
    request.confirm_within = *time;
  }
  submit(std::move(call), std::move(request));
}

void post_plan(Call call) {
  ChangeRequest request;
  fill_replacement(call, request);
  call.query["dry_run"] = "true";
  submit(std::move(call), std::move(request));
}

void post_confirm(Call call) {
  if (const auto wrong = refuse_keys(call.body, "")) return refuse_write(call, *wrong);
  ChangeRequest request;
  request.confirm = true;
  submit(std::move(call), std::move(request));
}

void post_rollback(Call call) {
  if (const auto wrong = refuse_keys(call.body, "revision")) return refuse_write(call, *wrong);
  ChangeRequest request;
  request.source = "rollback";
  request.rollback_to = 0;
  if (call.body.is_object() && call.body.contains("revision")) {
    const Json& revision = call.body["revision"];
    if (!revision.is_number_unsigned() || revision.get<std::uint64_t>() == 0)
      return refuse_write(call,
                          invalid("revision", "must be a revision: GET /v1/history has them"));
    request.rollback_to = revision.get<std::uint64_t>();
  }
  submit(std::move(call), std::move(request));
}

void post_reload(Call call) {
  if (const auto wrong = refuse_keys(call.body, "")) return refuse_write(call, *wrong);
  ChangeRequest request;
  request.source = "file";
  request.reload_file = true;
  submit(std::move(call), std::move(request));
}

void post_batch(Call call) {
  if (const auto wrong = refuse_keys(call.body, "changes")) return refuse_write(call, *wrong);
  if (!call.body.is_object() || !call.body.contains("changes") || !call.body["changes"].is_array())
    return refuse_write(call, invalid("changes", "must be an array"));
  ChangeRequest request;
  std::size_t index = 0;
  for (const Json& each : call.body["changes"]) {
    auto change = config::change_of(each);
    if (!change)
      return refuse_write(
          call, invalid("changes[" + std::to_string(index) + "]", change.error().message));
    request.changes.push_back(std::move(*change));
    index++;
  }
  submit(std::move(call), std::move(request));
}

void change_resource(Call call) {
  const auto path = resource_of(call);
  if (!path) return refuse_write(call, path.error());
  Change change{Change::Op::kDelete, *path, std::move(call.body)};
  ChangeRequest request;
  if (call.request.method != "DELETE") {
    const bool puts = call.request.method == "PUT";
    change.op = puts ? Change::Op::kPut : Change::Op::kPatch;
    if (!change.value.is_object())
      return refuse_write(call, invalid("body", "the body must be an object: the resource's keys"));
    const bool is_backend = path->kind == ResourcePath::Kind::kBackend;
    const auto ttl = take_time(change.value, is_backend ? "ttl" : nullptr);
    if (!ttl) return refuse_write(call, ttl.error());
    if (is_backend && (puts || *ttl))
      request.marks.push_back({{path->name, path->backend}, MarkChange::What::kRenew, *ttl, false});
  } else if (!change.value.is_null()) {
    return refuse_write(call, bad_call("body", "DELETE has no body"));
  }
  request.changes.push_back(std::move(change));
  submit(std::move(call), std::move(request));
}

void post_backend_action(Call call) {
  const auto path = resource_of(call);
  if (!path) return refuse_write(call, path.error());
  ChangeRequest request;
  if (const auto wrong = fill_action(call, *path, request)) return refuse_write(call, *wrong);
  submit(std::move(call), std::move(request));
}

}  // namespace guideway::admin
