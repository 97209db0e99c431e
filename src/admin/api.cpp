// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "guideway/admin/api.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

#include "guideway/base/text.h"
#include "guideway/model/validate.h"
#include "routes.h"

namespace guideway::admin {
namespace {

constexpr const char* kWrite = "dry_run";

constexpr std::array kRoutes = {
    Route{"GET", "/v1/status", get_status, ""},
    Route{"GET", "/v1/config", get_config, "format"},
    Route{"PUT", "/v1/config", put_config, "dry_run confirm_within"},
    Route{"POST", "/v1/plan", post_plan, ""},
    Route{"POST", "/v1/confirm", post_confirm, kWrite, true},
    Route{"POST", "/v1/rollback", post_rollback, kWrite, true},
    Route{"GET", "/v1/history", get_history, ""},
    Route{"GET", "/v1/diff", get_diff, ""},
    Route{"POST", "/v1/reload", post_reload, kWrite, true},
    Route{"POST", "/v1/batch", post_batch, kWrite, true},
    Route{"GET", "/v1/explain", get_explain, "protocol source destination flags"},
    Route{"GET", "/v1/events", get_events, "since kind limit wait"},
    Route{"GET", "/v1/services", get_services, ""},
    Route{"GET", "/v1/services/{service}", get_service, ""},
    Route{"PUT", "/v1/services/{service}", change_resource, kWrite, true},
    Route{"PATCH", "/v1/services/{service}", change_resource, kWrite, true},
    Route{"DELETE", "/v1/services/{service}", change_resource, kWrite, true},
    Route{"GET", "/v1/pools", get_pools, ""},
    Route{"GET", "/v1/pools/{pool}", get_pool, ""},
    Route{"PUT", "/v1/pools/{pool}", change_resource, kWrite, true},
    Route{"PATCH", "/v1/pools/{pool}", change_resource, kWrite, true},
    Route{"DELETE", "/v1/pools/{pool}", change_resource, kWrite, true},
    Route{"GET", "/v1/pools/{pool}/backends", get_backends, ""},
    Route{"GET", "/v1/pools/{pool}/backends/{backend}", get_backend, ""},
    Route{"PUT", "/v1/pools/{pool}/backends/{backend}", change_resource, kWrite, true},
    Route{"PATCH", "/v1/pools/{pool}/backends/{backend}", change_resource, kWrite, true},
    Route{"DELETE", "/v1/pools/{pool}/backends/{backend}", change_resource, kWrite, true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/drain", post_backend_action, kWrite, true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/enable", post_backend_action, kWrite, true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/disable", post_backend_action, kWrite, true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/force-up", post_backend_action, kWrite,
          true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/force-down", post_backend_action, kWrite,
          true},
    Route{"POST", "/v1/pools/{pool}/backends/{backend}/auto", post_backend_action, kWrite, true},
};

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

/// The names in `path` if it has the route's form.
std::optional<std::map<std::string, std::string>> match(const Route& route, std::string_view path) {
  const auto wanted = segments_of(route.path);
  const auto given = segments_of(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < wanted.size(); i++) {
    if (wanted[i].starts_with('{'))
      names.emplace(wanted[i].substr(1, wanted[i].size() - 2), given[i]);
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return names;
}

struct Found {
  const Route* route = nullptr;
  std::map<std::string, std::string> names;
  /// Methods that the path has, for a 405.
  std::string methods;
};

Found find_route(std::string_view method, std::string_view path) {
  Found found;
  for (const Route& route : kRoutes) {
    auto names = match(route, path);
    if (!names) continue;
    found.methods += (found.methods.empty() ? "" : ", ") + std::string(route.method);
    if (method != route.method && !(method == "HEAD" && std::string_view(route.method) == "GET"))
      continue;
    found.route = &route;
    found.names = std::move(*names);
  }
  return found;
}

/// Whether `key` is one of the words of `allowed`.
bool is_allowed_key(std::string_view allowed, const std::string& key) {
  const std::string words = " " + std::string(allowed) + " ";
  return !key.empty() && key.find(' ') == std::string::npos &&
         words.find(" " + key + " ") != std::string::npos;
}

/// A word of the caller's that will stand in logs.
bool is_request_id(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return text.empty() || model::is_name(text, kLongest);
}

Response not_allowed(const std::string& methods, const std::string& message) {
  Response response = error_response(405, "method_not_allowed", message, "method");
  response.allow = methods;
  return response;
}

/// Errors of the request itself say which revision it met, too.
Respond with_revision(const control::Controller& controller, Respond respond) {
  return [&controller, respond = std::move(respond)](Response response) {
    if (!response.revision) {
      response.revision = controller.desired().revision;
      Json json = Json::parse(response.body, nullptr, false);
      if (json.is_object()) json["revision"] = *response.revision;
      if (json.is_object()) response.body = to_text(json);
    }
    respond(std::move(response));
  };
}

}  // namespace

std::span<const Route> route_table() { return kRoutes; }

std::vector<RouteName> routes() {
  std::vector<RouteName> names;
  for (const Route& route : kRoutes) {
    std::istringstream words(route.query);
    names.push_back({route.method, route.path, {std::istream_iterator<std::string>(words), {}}});
  }
  return names;
}

Api::Api(control::Controller& controller, Access access)
    : controller_(controller), access_(access), texts_(make_shared_texts(controller)) {}

void Api::handle(Request request, Respond to_client) const {
  const Respond respond = with_revision(controller_, std::move(to_client));
  const std::size_t question = std::min(request.target.find('?'), request.target.size());
  const std::string path = request.target.substr(0, question);
  if (!path.starts_with('/'))
    return respond(error_response(400, "bad_request", "the target must start with /", "target"));
  Found found = find_route(request.method, path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (found.methods.empty())
    return respond(error_response(404, "not_found",
                                  base::quoted(path) + " is no resource: docs/admin-api.md lists "
                                                       "them, /v1/status is one",
                                  "target"));
  if (access_ == Access::kRead && !reads)
    return respond(not_allowed("GET, HEAD",
                               "this socket can only be read from; writes go to "
                               "admin.socket"));
  if (found.route == nullptr)
    return respond(not_allowed(found.methods, "this resource has " + found.methods));
  auto query = parse_query(
      std::string_view(request.target).substr(std::min(question + 1, request.target.size())));
  if (!query) return respond(to_response(query.error()));
  for (const auto& [key, value] : *query)
    if (!is_allowed_key(found.route->query, key))
      return respond(error_response(
          400, "bad_request",
          "unknown query parameter; this resource has: " + std::string(found.route->query),
          key.empty() ? "target" : base::escape_untrusted(key)));
  if (!is_request_id(request.request_id))
    return respond(error_response(400, "bad_request", "must be up to 64 characters of A-Za-z0-9._-",
                                  "X-Request-Id"));
  auto body =
      found.route->takes_json ? parse_body(request.body) : tl::expected<Json, CallError>(Json());
  if (!body) return respond(to_response(body.error()));
  found.route->run({controller_, texts_, std::move(request), std::move(found.names),
                    std::move(*query), std::move(*body), respond});
}

}  // namespace guideway::admin
