// SPDX-License-Identifier: Apache-2.0
// events: what happened, and with --follow what happens.
#include <optional>

#include "command.h"
#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

constexpr std::chrono::seconds kWait{30};
/// For the answer after the daemon's wait is over.
constexpr std::chrono::seconds kGrace{10};
/// Between two questions that are answered at once.
constexpr std::chrono::milliseconds kPause{200};

struct Query {
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

/// "2024-05-01T12:00:00.123Z  health  web/b1 …": what has no place of its own follows as key=value.
std::string event_line(const Json& event) {
  std::string line = text_of(event, "time") + "  " + text_of(event, "kind");
  if (event.contains("message")) line += "  " + text_of(event, "message");
  for (const auto& [key, value] : event.items())
    if (key != "time" && key != "kind" && key != "message" && key != "sequence")
      line += "  " + base::escape_untrusted(key) + "=" + plain(value);
  return line + "\n";
}

/// Prints what is newer than `last`, and makes `last` the newest. With JSON, one object a line.
void show_new(const Call& call, const Json& events, std::optional<std::uint64_t>& last) {
  for (const Json& event : events) {
    const auto sequence = event.at("sequence").get<std::uint64_t>();
    if (last && sequence <= *last) continue;
    last = sequence;
    call.out() << (call.json() ? json_line(event) : event_line(event));
  }
  call.out().flush();
}

Outcome<Json> ask(const Call& call, const Query& query) {
  Request request;
  request.target = target_of(query);
  request.time = kGrace + (query.waits ? kWait : std::chrono::seconds(0));
  const auto body = call.daemon.ask(request);
  if (!body) return tl::unexpected(body.error());
  return parse_answer(*body);
}

/// Until the daemon is gone, or the process is interrupted.
Outcome<void> follow(const Call& call, Query query) {
  std::optional<std::uint64_t> last;
  for (;;) {
    const auto answer = ask(call, query);
    if (!answer) return tl::unexpected(answer.error());
    const auto before = last;
    show_new(call, answer->at("events"), last);
    if (last) query.since = std::to_string(*last);
    if (query.waits && last == before) call.around.sleep(kPause);
    query.waits = true;
  }
}

}  // namespace

Outcome<void> show_events(Call& call) {
  const Query query{call.line.get("since"), call.line.get("kind"), false};
  if (call.line.has("follow")) return follow(call, query);
  const auto answer = ask(call, query);
  if (!answer) return tl::unexpected(answer.error());
  if (call.json()) {
    call.out() << json_line(*answer);
    return {};
  }
  std::optional<std::uint64_t> last;
  show_new(call, answer->at("events"), last);
  return {};
}

}  // namespace guideway::cli
