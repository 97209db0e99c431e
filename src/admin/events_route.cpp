// SPDX-License-Identifier: Apache-2.0
// GET /v1/events: what has happened, or waits until something does.
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <ctime>
#include <memory>

#include "guideway/base/text.h"
#include "guideway/config/values.h"
#include "guideway/events/event_log.h"
#include "routes.h"

namespace guideway::admin {
namespace {

constexpr std::chrono::seconds kMostWait{60};
constexpr std::size_t kMostEvents = 1000;
/// Whoever waits for news gets a few at a time: they are written at once, and are refused to
/// nobody.
constexpr std::size_t kFewEvents = 32;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What "Z", "+02:00" or "-05:30" is ahead of UTC.
std::optional<std::chrono::minutes> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = number_of(text.substr(1, 2));
  const auto minutes = number_of(text.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes ahead(*hours * 60 + *minutes);
  return text[0] == '-' ? -ahead : ahead;
}

/// "2024-05-01T12:00:00Z", also with a fraction, which does not count. Source: RFC 3339.
std::optional<std::chrono::system_clock::time_point> time_of(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') do
      rest++;
    while (*rest >= '0' && *rest <= '9');
  const auto ahead = offset_of(rest);
  if (!ahead) return std::nullopt;
  const std::time_t time = timegm(&parts) - std::chrono::seconds(*ahead).count();
  constexpr std::time_t kLastSecond = 9'000'000'000;  // the clock ends in 2262
  if (time < 0 || time > kLastSecond) return std::nullopt;
  return std::chrono::system_clock::from_time_t(time);
}

tl::unexpected<CallError> wrong(const char* field, std::string message) {
  return tl::unexpected(CallError{400, "bad_request", field, std::move(message)});
}

tl::unexpected<CallError> no_kind(std::string_view text) {
  const std::vector<std::string> names = events::kind_names();
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return wrong("kind", base::quoted(text) + " is none of " + list + "; the nearest is \"" +
                           config::nearest(std::string(text), names) + "\"");
}

tl::expected<std::vector<events::Kind>, CallError> kinds_of(std::string_view text) {
  std::vector<events::Kind> kinds;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const auto kind = events::kind_of(text.substr(0, end));
    if (!kind) return no_kind(text.substr(0, end));
    kinds.push_back(*kind);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return kinds;
}

tl::expected<events::Query, CallError> query_of(const std::map<std::string, std::string>& given) {
  events::Query query;
  for (const auto& [key, value] : given) {
    if (key == "since") {
      const auto number = number_of(value);
      query.after = number.value_or(0);
      if (!number) query.since = time_of(value);
      if (!number && !query.since)
        return wrong("since", "must be an event's number, or a time such as 2024-05-01T12:00:00Z");
    } else if (key == "kind") {
      auto kinds = kinds_of(value);
      if (!kinds) return tl::unexpected(kinds.error());
      query.kinds = std::move(*kinds);
    } else if (key == "limit") {
      const auto limit = number_of(value);
      if (!limit || *limit < 1 || *limit > kMostEvents) return wrong("limit", "must be 1 to 1000");
      query.limit = *limit;
    }
  }
  return query;
}

Response page_response(std::uint64_t revision, const events::Page& page) {
  Response response;
  response.revision = revision;
  response.body = R"({"api":1,"revision":)" + std::to_string(revision) + R"(,"events":[)";
  for (const events::Event& event : page.events) {
    if (&event != &page.events.front()) response.body += ',';
    response.body += events::to_json(event);
  }
  response.body += R"(],"next":)" + std::to_string(page.next) +
                   (page.more ? R"(,"more":true,"lost":)" : R"(,"more":false,"lost":)") +
                   std::to_string(page.lost) + "}\n";
  return response;
}

void answer_page(Call call, events::Page page) {
  if (page.events.size() <= kFewEvents)
    return call.respond(page_response(call.controller.desired().revision, page));
  answer_beside(std::move(call), [page = std::move(page)](const control::DesiredState& desired) {
    return page_response(desired.revision, page);
  });
}

/// A client that waits: until an event that it asked for, or its time is over.
class Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(Call call, events::Query query, std::chrono::seconds time)
      : call_(std::move(call)), query_(std::move(query)), timer_(call_.controller.loop(), time) {}

  void start() {
    subscription_ =
        call_.controller.events().subscribe([self = weak_from_this()](const events::Event&) {
          // Not now: whoever adds an event is in the middle of something.
          if (const auto watch = self.lock()) watch->look_soon();
        });
    // The timer's handler, which holds this, ends.
    if (call_.request.client)
      call_.request.client->on_gone = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->drop();
      };
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      self->answer(self->call_.controller.events().find(self->query_));
    });
  }

 private:
  /// Once for all events that happen until then.
  void look_soon() {
    if (std::exchange(will_look_, true)) return;
    boost::asio::post(call_.controller.loop(), [self = shared_from_this()] {
      self->will_look_ = false;
      self->look();
    });
  }

  void look() {
    if (answered_) return;
    events::Page page = call_.controller.events().find(query_);
    if (!page.events.empty()) answer(std::move(page));
  }

  void drop() {
    answered_ = true;
    subscription_.reset();
    timer_.cancel();
  }

  void answer(events::Page page) {
    if (answered_) return;
    drop();
    answer_page(call_, std::move(page));
  }

  Call call_;
  events::Query query_;
  boost::asio::steady_timer timer_;
  events::EventLog::Subscription subscription_;
  bool will_look_ = false;
  bool answered_ = false;
};

}  // namespace

void get_events(Call call) {
  const auto query = query_of(call.query);
  if (!query) return call.respond(to_response(query.error()));
  events::Page page = call.controller.events().find(*query);
  const auto wait = call.query.find("wait");
  if (wait == call.query.end()) return answer_page(std::move(call), std::move(page));
  const auto time = parse_time("wait", wait->second, std::chrono::seconds(1), kMostWait);
  if (!time) return call.respond(to_response(time.error()));
  if (!page.events.empty()) return answer_page(std::move(call), std::move(page));
  std::make_shared<Watch>(std::move(call), *query, *time)->start();
}

}  // namespace guideway::admin
