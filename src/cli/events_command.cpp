// SPDX-License-Identifier: Apache-2.0
// events: what has happened, and with --follow what happens.
#include "command.h"

namespace guideway::cli {
namespace {

constexpr std::chrono::seconds kWait{30};
/// For the answer after the daemon's wait is over.
constexpr std::chrono::seconds kGrace{10};

struct Query {
  /// A time or the number of an event, as the operator writes it; later a number.
  std::string since;
  std::string kind;
  bool waits = false;
};

std::string target_of(const Query& query) {
  std::string target = "/v1/events";
  const auto add = [&](const std::string& name, const std::string& value) {
    if (value.empty()) return;
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += name;
    target += '=';
    target += encoded(value);
  };
  add("since", query.since);
  add("kind", query.kind);
  add("wait", query.waits ? std::to_string(kWait.count()) + "s" : "");
  return target;
}

/// The next events, after which `query` goes on.
Outcome<Json> next_page(const Call& call, Query& query) {
  Request request;
  request.target = target_of(query);
  request.time = kGrace + (query.waits ? kWait : std::chrono::seconds(0));
  const auto body = call.daemon.ask(request);
  if (!body) return tl::unexpected(body.error());
  auto page = parse_answer(*body);
  if (page) query.since = std::to_string(page->at("next").get<std::uint64_t>());
  return page;
}

/// "2024-05-01T12:00:00.123Z  health  warning: web/b1 is unhealthy". The message has all that
/// matters; for the single facts there is --json.
std::string event_line(const Json& event) {
  const std::string level = text_of(event, "level");
  return text_of(event, "time") + "  " + text_of(event, "kind") + "  " +
         (level == "info" ? "" : level + ": ") + text_of(event, "message") + "\n";
}

/// With JSON, one object a line.
void show(const Call& call, const Json& events) {
  for (const Json& event : events)
    call.out() << (call.json() ? json_line(event) : event_line(event));
  call.out().flush();
}

/// Until the daemon is gone, or the process is interrupted.
Outcome<void> follow(const Call& call, Query query) {
  for (;;) {
    const auto page = next_page(call, query);
    if (!page && query.waits) return failed_as_shown(page.error());  // events alone are on lines
    if (!page) return tl::unexpected(page.error());
    const auto lost = page->value("lost", std::uint64_t{0});
    if (query.waits && lost > 0)
      call.around.err << "guideway: " << lost << " events came too fast and are not shown\n";
    show(call, page->at("events"));
    query.waits = true;
  }
}

}  // namespace

Outcome<void> show_events(Call& call) {
  Query query{call.line.get("since"), call.line.get("kind"), false};
  if (call.line.has("follow")) return follow(call, query);
  Json all;
  do {
    auto page = next_page(call, query);
    if (!page) return tl::unexpected(page.error());
    if (!call.json()) show(call, page->at("events"));
    if (!all.is_null())
      page->at("events").insert(page->at("events").begin(), all.at("events").begin(),
                                all.at("events").end());
    all = std::move(*page);
  } while (all.value("more", false));
  if (call.json()) call.out() << json_line(all);
  return {};
}

}  // namespace guideway::cli
