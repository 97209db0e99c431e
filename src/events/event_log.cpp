// SPDX-License-Identifier: Apache-2.0
#include "guideway/events/event_log.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "guideway/base/clock.h"
#include "guideway/base/logging.h"
#include "guideway/base/text.h"

namespace guideway::events {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 8> kNames = {{
    {Kind::kStart, "start"},
    {Kind::kConfig, "config"},
    {Kind::kGeneration, "generation"},
    {Kind::kState, "state"},
    {Kind::kHealth, "health"},
    {Kind::kPanic, "panic"},
    {Kind::kAddress, "address"},
    {Kind::kAdmin, "admin"},
}};

/// One line of harmless text.
std::string bounded(std::string_view text, std::size_t longest) {
  std::string line = base::escape_controls(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return base::shortened(line, longest);
}

void bound(base::Fields& fields) {
  if (fields.size() > EventLog::kMostFields)
    fields.erase(fields.begin() + EventLog::kMostFields, fields.end());
  for (base::Field& field : fields)
    if (auto* text = std::get_if<std::string>(&field.value))
      *text = bounded(*text, EventLog::kLongestValue);
}

void log_line(const Event& event) {
  base::Fields fields = {{"event", to_string(event.kind)}, {"sequence", event.sequence}};
  fields.insert(fields.end(), event.fields.begin(), event.fields.end());
  base::log(event.level, event.message, fields);
}

bool fits(const Event& event, const Query& query) {
  if (query.since && event.time < *query.since) return false;
  return query.kinds.empty() ||
         std::find(query.kinds.begin(), query.kinds.end(), event.kind) != query.kinds.end();
}

}  // namespace

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const auto& [kind, name] : kNames) names.emplace_back(name);
  return names;
}

const char* to_string(Kind kind) {
  for (const auto& [value, name] : kNames)
    if (value == kind) return name;
  return "";
}

std::optional<Kind> kind_of(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (known == name) return value;
  return std::nullopt;
}

std::string to_json(const Event& event) {
  using Json = nlohmann::ordered_json;
  const auto level = spdlog::level::to_string_view(event.level);
  Json json = {{"sequence", event.sequence},
               {"time", base::utc_text(event.time)},
               {"kind", to_string(event.kind)},
               {"level", std::string(level.data(), level.size())},
               {"message", event.message}};
  for (const base::Field& field : event.fields)
    std::visit([&](const auto& value) { json.emplace(field.key, value); }, field.value);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void EventLog::add(Kind kind, spdlog::level::level_enum level, std::string_view message,
                   base::Fields fields) {
  bound(fields);
  if (events_.size() == kCapacity) events_.pop_front();
  events_.push_back(
      {++newest_, clock_(), kind, level, bounded(message, kLongestMessage), std::move(fields)});
  log_line(events_.back());
  // Of the list as it is now: a subscriber may end itself, or another.
  const auto subscribers = subscribers_;
  for (const auto& subscriber : subscribers)
    if (const auto on_event = subscriber.lock()) (*on_event)(events_.back());
}

Page EventLog::find(const Query& query) const {
  Page page;
  const std::uint64_t oldest = newest_ - events_.size() + 1;
  if (query.after < oldest - 1) page.lost = oldest - 1 - query.after;
  page.next = std::min(query.after, newest_);
  // Numbers are consecutive: the place of the first one is known.
  std::size_t place = query.after < oldest ? 0 : query.after - oldest + 1;
  for (; place < events_.size(); place++) {
    const Event& event = events_[place];
    const bool wanted = fits(event, query);
    if (wanted && page.events.size() == query.limit) {
      page.more = true;
      break;
    }
    if (wanted) page.events.push_back(event);
    page.next = event.sequence;
  }
  return page;
}

EventLog::Subscription EventLog::subscribe(OnEvent on_event) {
  subscribers_.erase(std::remove_if(subscribers_.begin(), subscribers_.end(),
                                    [](const auto& one) { return one.expired(); }),
                     subscribers_.end());
  auto subscription = std::make_shared<OnEvent>(std::move(on_event));
  subscribers_.push_back(subscription);
  return subscription;
}

}  // namespace guideway::events
