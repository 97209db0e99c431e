// SPDX-License-Identifier: Apache-2.0
// service|pool|backend list and show.
#include <map>

#include "backend_needs.h"
#include "command.h"
#include "resource.h"
#include "status_view.h"

namespace guideway::cli {
namespace {

/// What runs, of each of a list: in the form that the status has. A service for two protocols has
/// two; what does not run yet has none.
Json statuses(const Json& list) {
  Json all = Json::array();
  for (const Json& one : list) {
    const Json& status = one.at("status");
    if (status.is_object()) all.push_back(status);
    if (status.is_array()) all.insert(all.end(), status.begin(), status.end());
  }
  return all;
}

Outcome<void> list(Call& call, const std::string& kind,
                   const std::function<std::string(const Json&)>& table) {
  const auto answer = call.daemon.read("/v1/" + kind);
  if (!answer) return tl::unexpected(answer.error());
  call.out() << (call.json() ? json_line(*answer) : table(statuses(answer->at(kind))));
  return {};
}

/// Configuration, what was said of it at run time, and what runs.
std::string resource_text(const Json& resource) {
  const Json& config = resource.at("config");
  Json more = resource;
  more.erase("config");
  more.erase("status");
  std::string text = fields_text(config) + (more.empty() ? "" : "\n" + fields_text(more));
  for (Json status : statuses(Json::array({resource}))) {
    for (const auto& [key, value] : config.items())  // what the configuration says already
      if (!value.is_array() && status.contains(key) && status.at(key) == value) status.erase(key);
    text += "\n" + fields_text(status);
  }
  return text;
}

Outcome<Json> read_one(const Call& call) {
  const auto resource = resource_of(call);
  if (!resource) return tl::unexpected(resource.error());
  return call.daemon.read(resource->path);
}

/// The pools whose backends are asked for: the one that is named, or all.
Outcome<std::vector<std::string>> pools_asked_for(const Call& call) {
  if (!call.arguments.empty()) return std::vector<std::string>{call.arguments[0]};
  const auto answer = call.daemon.read("/v1/pools");
  if (!answer) return tl::unexpected(answer.error());
  std::vector<std::string> names;
  for (const Json& pool : answer->at("pools")) names.push_back(pool.at("config").at("name"));
  return names;
}

/// The pool's own that run, in the configuration's order: the status has guests and removed ones,
/// too, who may have the same names.
Json own_backends(const Json& pool) {
  Json own = Json::array();
  const Json& status = pool.at("status");
  if (status.is_null()) return own;
  std::map<std::string, const Json*> running;
  for (const Json& backend : status.at("backends"))
    if (backend.at("state") != "removed" && backend.at("home") == "")
      running[backend.at("name")] = &backend;
  for (const Json& backend : pool.at("config").value("backends", Json::array()))
    if (const auto found = running.find(backend.at("name")); found != running.end())
      own.push_back(*found->second);
  return own;
}

/// One request, whatever the number of pools.
Outcome<void> table_of_all_backends(Call& call) {
  const auto answer = call.daemon.read("/v1/pools");
  if (!answer) return tl::unexpected(answer.error());
  Json rows = Json::array();
  for (const Json& pool : answer->at("pools"))
    rows.push_back({{"name", pool.at("config").at("name")}, {"backends", own_backends(pool)}});
  call.out() << backends_table(rows);
  return {};
}

}  // namespace

Outcome<void> list_services(Call& call) { return list(call, "services", services_table); }

Outcome<void> list_pools(Call& call) { return list(call, "pools", pools_table); }

Outcome<void> list_backends(Call& call) {
  if (call.arguments.empty() && !call.json()) return table_of_all_backends(call);
  const auto pools = pools_asked_for(call);
  if (!pools) return tl::unexpected(pools.error());
  Json all = {{"api", 1}, {"backends", Json::array()}};
  Json rows = Json::array();
  for (const std::string& pool : *pools) {
    const auto answer = call.daemon.read(backends_path(pool));
    if (!answer) return tl::unexpected(answer.error());
    all["revision"] = answer->at("revision");
    const Json& backends = answer->at("backends");
    for (const Json& backend : backends) all["backends"].push_back(backend);
    rows.push_back({{"name", pool}, {"backends", statuses(backends)}});
  }
  call.out() << (call.json() ? json_line(all) : backends_table(rows));
  return {};
}

Outcome<void> show_service(Call& call) {
  auto answer = read_one(call);
  if (!answer) return tl::unexpected(answer.error());
  const Json& service = answer->at("service");
  const auto needs = backend_needs(call.daemon, service.at("config"));
  if (!needs) return tl::unexpected(needs.error());
  if (call.json()) {
    (*answer)["backend_needs"] = *needs;
    call.out() << json_line(*answer);
    return {};
  }
  if (needs->empty()) {
    call.out() << resource_text(service) << "\n"
               << "Backends need no set-up, only a way to the NAT addresses of the pool.\n";
    return {};
  }
  call.out() << resource_text(service) << "\n"
             << "Each backend needs, as root (guideway-decap ends VXLAN, too):\n\n";
  for (const std::string& line : *needs) call.out() << "  " << line << "\n";
  return {};
}

Outcome<void> show_pool(Call& call) {
  const auto answer = read_one(call);
  if (!answer) return tl::unexpected(answer.error());
  if (call.json()) {
    call.out() << json_line(*answer);
    return {};
  }
  const Json& pool = answer->at("pool");
  call.out() << resource_text(pool) << "\n" << backends_table(statuses(Json::array({pool})));
  return {};
}

Outcome<void> show_backend(Call& call) {
  const auto answer = read_one(call);
  if (!answer) return tl::unexpected(answer.error());
  call.out() << (call.json() ? json_line(*answer) : resource_text(answer->at("backend")));
  return {};
}

}  // namespace guideway::cli
