// SPDX-License-Identifier: Apache-2.0
// GET: what is configured, beside what runs. What grows with the configuration is made beside the
// control thread.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <charconv>
#include <map>
#include <memory>
#include <string_view>

#include "guideway/admin/status_json.h"
#include "guideway/base/clock.h"
#include "guideway/base/text.h"
#include "routes.h"

namespace guideway::admin {
namespace {

using config::ResourcePath;
using Kind = ResourcePath::Kind;

void refuse(const Call& call, const CallError& error) { call.respond(to_response(error)); }

CallError bad_parameter(std::string field, std::string message) {
  return {400, "bad_request", std::move(field), std::move(message)};
}

/// The configured resource of the call's path; answers and gives null if there is none.
const Json* find_or_refuse(const Call& call, const ResourcePath& path) {
  const auto& running = call.controller.desired().running;
  const Json* found = config::find_resource(running, path);
  if (found == nullptr)
    refuse(call, {404, "not_found", base::escape_untrusted(path.to_string()),
                  config::no_such(running, path)});
  return found;
}

std::string text_in(const Json& item, const char* key) {
  const auto found = item.find(key);
  return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// What runs, by name. A service may count under two protocols.
template <typename Status>
std::multimap<std::string_view, const Status*> by_name(const std::vector<Status>& all) {
  std::multimap<std::string_view, const Status*> index;
  for (const Status& each : all) index.emplace(each.name, &each);
  return index;
}

template <typename Status>
const Status* find_status(const std::multimap<std::string_view, const Status*>& index,
                          const std::string& name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

using Services = std::multimap<std::string_view, const control::ServiceStatus*>;
using Pools = std::multimap<std::string_view, const control::PoolStatus*>;
using Backends = std::multimap<std::string_view, const control::BackendStatus*>;

Json service_view(const Json& config, const Services& services) {
  Json parts = Json::array();
  const auto [begin, end] = services.equal_range(text_in(config, "name"));
  for (auto it = begin; it != end; ++it) parts.push_back(service_json(*it->second));
  return {{"config", config}, {"status", std::move(parts)}};
}

Json pool_view(const Json& config, const Pools& pools) {
  const auto* found = find_status(pools, text_in(config, "name"));
  return {{"config", config}, {"status", found ? pool_json(*found) : Json(nullptr)}};
}

/// Those of a pool itself: others may have the names of removed ones, and of guests.
Backends backends_in(const control::Status& status, const std::string& pool) {
  const auto* found = find_status(by_name(status.pools), pool);
  Backends backends;
  if (found == nullptr) return backends;
  for (const auto& each : found->backends)
    if (each.state != "removed" && each.home.empty()) backends.emplace(each.name, &each);
  return backends;
}

Json time_or_null(const std::optional<control::WallTime>& time) {
  if (!time) return nullptr;
  return base::utc_text(*time);
}

/// What the operator has said of it for a time.
void add_marks(Json& view, const control::Marks& marks, const control::MarkKey& key) {
  const auto found = marks.find(key);
  if (found == marks.end()) return;
  const control::Mark& mark = found->second;
  if (mark.forced != model::Forced::kNone) view["forced"] = control::name_of(mark.forced);
  view["forced_until"] = time_or_null(mark.forced_until);
  view["drain_until"] = time_or_null(mark.drain_until);
  view["renew_until"] = nullptr;
  const auto now = control::Moment::now();
  if (mark.ttl_until)
    view["renew_until"] =
        base::utc_text(now.wall + std::chrono::duration_cast<control::WallTime::duration>(
                                      *mark.ttl_until - now.steady));
}

Json backend_view(const control::DesiredState& desired, const std::string& pool, const Json& config,
                  const control::Status& status, const Backends& backends) {
  const std::string name = text_in(config, "name");
  Json view = {{"pool", pool}, {"config", config}, {"status", nullptr}};
  if (const auto* found = find_status(backends, name)) view["status"] = backend_json(*found);
  const bool is_counted = status.live_flows_age_s >= 0;
  view["live_flows_age_s"] = is_counted ? Json(status.live_flows_age_s) : Json(nullptr);
  view["live_flows_generation"] = is_counted ? Json(status.live_flows_generation) : Json(nullptr);
  add_marks(view, desired.marks, {pool, name});
  return view;
}

const Json& backends_of(const Json& pool) {
  static const Json kNone = Json::array();
  const auto found = pool.find("backends");
  return found != pool.end() && found->is_array() ? *found : kNone;
}

/// "198.51.100.7:4242", "[2001:db8::7]:4242".
std::optional<std::pair<IpAddress, std::uint16_t>> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (!address || address->is_v4() == brackets || !is_number) return std::nullopt;
  return std::pair(*address, port);
}

tl::expected<control::ExplainQuery, CallError> explain_query(
    const std::map<std::string, std::string>& query) {
  const auto value = [&](const char* key) {
    const auto found = query.find(key);
    return found == query.end() ? std::string() : found->second;
  };
  control::ExplainQuery result;
  const std::string protocol = value("protocol");
  const std::string flags = value("flags");
  if (protocol != "tcp" && protocol != "udp")
    return tl::unexpected(bad_parameter("protocol", "must be tcp or udp"));
  if (flags != "" && flags != "syn" && flags != "ack")
    return tl::unexpected(bad_parameter("flags", "must be syn or ack"));
  result.tcp = protocol == "tcp";
  result.syn = flags != "ack";
  const auto source = parse_endpoint(value("source"));
  const auto destination = parse_endpoint(value("destination"));
  const char* form = "must be ADDRESS:PORT, of IPv6 [ADDRESS]:PORT";
  if (!source) return tl::unexpected(bad_parameter("source", form));
  if (!destination) return tl::unexpected(bad_parameter("destination", form));
  if (source->first.is_v4() != destination->first.is_v4())
    return tl::unexpected(
        bad_parameter("source", "must be of the same address family as destination"));
  std::tie(result.source, result.source_port) = *source;
  std::tie(result.destination, result.destination_port) = *destination;
  return result;
}

/// A place among the answers that are being made, given back when its last copy ends.
using AnswerPlace = std::shared_ptr<const void>;

/// Null: all are taken, and the call is answered.
AnswerPlace take_place_or_refuse(const Call& call) {
  const std::shared_ptr<std::size_t> taken = call.texts.aside;
  if (*taken >= SharedTexts::kMostAside) {
    refuse(call, {503, "busy", "", "too many large answers are being made; try again in a moment"});
    return nullptr;
  }
  ++*taken;
  return {taken.get(), [taken](const void*) { --*taken; }};
}

/// What is large is made beside the control thread, of values that do not change meanwhile: `make`
/// takes what is configured and gives a response.
template <typename Make>
void answer_aside(Call call, AnswerPlace place, Make make) {
  call.controller.run_aside(
      [desired = call.controller.shared_desired(), make = std::move(make)] {
        Response response = make(*desired);
        response.revision = desired->revision;
        return response;
      },
      [respond = std::move(call.respond),
       place = std::move(place)](const std::shared_ptr<const Response>& made) {
        respond(made ? *made : error_response(500, "fault", "see the log of guidewayd"));
      });
}

template <typename Make>
void answer_aside(Call call, Make make) {
  if (AnswerPlace place = take_place_or_refuse(call))
    answer_aside(std::move(call), std::move(place), std::move(make));
}

/// The same of what is configured and what runs. One that is refused has cost nothing.
template <typename Make>
void answer_with_status(Call call, Make make) {
  AnswerPlace place = take_place_or_refuse(call);
  if (!place) return;
  const auto status = call.controller.recent_status();
  answer_aside(std::move(call), std::move(place),
               [status, make = std::move(make)](const control::DesiredState& desired) {
                 return make(desired, *status);
               });
}

/// {"api": 1, "revision": …, and what was asked for}.
Response response_with(const control::DesiredState& desired, const char* key, Json value) {
  Response response;
  response.body = to_text({{"api", 1}, {"revision", desired.revision}, {key, std::move(value)}});
  return response;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

void get_config(Call call) {
  const auto format = call.query.find("format");
  const bool is_json = format == call.query.end() || format->second == "json";
  if (!is_json && format->second != "toml")
    return refuse(call, bad_parameter("format", "must be json or toml"));
  answer_aside(std::move(call), [is_json](const control::DesiredState& desired) {
    Response response;
    if (is_json) {
      response.body = to_text({{"api", 1},
                               {"revision", desired.revision},
                               {"services", desired.running.services},
                               {"pools", desired.running.pools}});
    } else {
      response.body = config::to_toml(desired.rest, desired.running);
      response.content_type = "application/toml";
    }
    return response;
  });
}

void get_services(Call call) {
  answer_with_status(std::move(call), [](const auto& desired, const control::Status& status) {
    const Services services = by_name(status.services);
    Json list = Json::array();
    for (const Json& service : desired.running.services)
      list.push_back(service_view(service, services));
    return response_with(desired, "services", std::move(list));
  });
}

void get_service(Call call) {
  const Json* found = find_or_refuse(call, {Kind::kService, call.names["service"], ""});
  if (found == nullptr) return;
  const auto status = call.controller.recent_status();
  call.respond(answer_of(call, {{"service", service_view(*found, by_name(status->services))}}));
}

void get_pools(Call call) {
  answer_with_status(std::move(call), [](const auto& desired, const control::Status& status) {
    const Pools pools = by_name(status.pools);
    Json list = Json::array();
    for (const Json& pool : desired.running.pools) list.push_back(pool_view(pool, pools));
    return response_with(desired, "pools", std::move(list));
  });
}

void get_pool(Call call) {
  const ResourcePath path{Kind::kPool, call.names["pool"], ""};
  if (find_or_refuse(call, path) == nullptr) return;
  answer_with_status(std::move(call), [path](const auto& desired, const control::Status& status) {
    const Json* config = config::find_resource(desired.running, path);
    return response_with(desired, "pool", pool_view(*config, by_name(status.pools)));
  });
}

void get_backends(Call call) {
  const ResourcePath path{Kind::kPool, call.names["pool"], ""};
  if (find_or_refuse(call, path) == nullptr) return;
  answer_with_status(std::move(call), [path](const auto& desired, const control::Status& status) {
    const Backends backends = backends_in(status, path.name);
    Json list = Json::array();
    for (const Json& backend : backends_of(*config::find_resource(desired.running, path)))
      list.push_back(backend_view(desired, path.name, backend, status, backends));
    return response_with(desired, "backends", std::move(list));
  });
}

void get_backend(Call call) {
  const std::string pool = call.names["pool"];
  const std::string name = call.names["backend"];
  const Json* found = find_or_refuse(call, {Kind::kBackend, pool, name});
  if (found == nullptr) return;
  const control::Status status = call.controller.status_of_backend(pool, name);
  call.respond(answer_of(call, {{"backend", backend_view(call.controller.desired(), pool, *found,
                                                         status, backends_in(status, pool))}}));
}

void answer_beside(Call call, std::function<Response(const control::DesiredState&)> make) {
  answer_aside(std::move(call), std::move(make));
}

void get_history(Call call) {
  answer_aside(std::move(call), [](const control::DesiredState& desired) {
    Json list = Json::array();
    for (const control::Revision& revision : desired.history)
      list.push_back({{"revision", revision.number},
                      {"time", base::utc_text(revision.time)},
                      {"change_id", revision.change_id},
                      {"source", revision.source},
                      {"changes", changes_json(revision.changes)}});
    Json answer = {{"api", 1},
                   {"revision", desired.revision},
                   {"history", std::move(list)},
                   {"unconfirmed_until", nullptr}};
    if (desired.unconfirmed)
      answer["unconfirmed_until"] = base::utc_text(desired.unconfirmed->until);
    Response response;
    response.body = to_text(answer);
    return response;
  });
}

void get_explain(Call call) {
  const auto query = explain_query(call.query);
  if (!query) return refuse(call, query.error());
  const control::Explanation found = call.controller.explain(*query);
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
  const Json json = {
      {"verdict", found.verdict},
      {"reason", found.reason},
      {"why", found.why},
      {"service", found.service},
      {"pool", found.pool},
      {"flow", found.flow},
      {"shard", or_null(found.shard)},
      {"hash", found.hash},
      {"slot", or_null(found.slot)},
      {"backend", found.backend},
      {"backend_address",
       found.backend_address ? Json(found.backend_address->to_string()) : Json(nullptr)},
      {"header", hex(found.header)},
      {"tcp_option", hex(found.tcp_option)}};
  call.respond(answer_of(call, {{"explain", json}}));
}

}  // namespace guideway::admin
