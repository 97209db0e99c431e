// SPDX-License-Identifier: Apache-2.0
// EventLog: what has happened, newest last: the last kCapacity events, in memory. Each is one line
// of the log, too, with the same facts. guideway events shows them.
// Bounded whatever is added: number of events, length of messages, number and length of fields.
// Threading: the control thread.
#ifndef GUIDEWAY_EVENTS_EVENT_LOG_H_
#define GUIDEWAY_EVENTS_EVENT_LOG_H_

#include <spdlog/common.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/field.h"

namespace guideway::events {

/// docs/operations.md has a row for each.
enum class Kind : std::uint8_t {
  kStart,       // the daemon starts or stops
  kConfig,      // a change was refused, or something of it could not be applied
  kGeneration,  // a forwarding state was published
  kState,       // what the operator wants of a backend: added, removed, weight, state, health by
                // hand; and whether it can be reached
  kHealth,      // what the probes say of a backend
  kPanic,       // a pool uses backends that are not healthy, for want of others
  kAddress,     // an address of the host's was put back, or could not be
  kAdmin,       // something that an operator said for a time is over
};

/// "health".
const char* to_string(Kind kind);
std::vector<std::string> kind_names();
/// Nothing: there is no such kind.
std::optional<Kind> kind_of(std::string_view name);

struct Event {
  /// 1 for a daemon's first event, then one more each. A restart begins anew.
  std::uint64_t sequence = 0;
  std::chrono::system_clock::time_point time;
  Kind kind = Kind::kStart;
  spdlog::level::level_enum level = spdlog::level::info;
  std::string message;
  base::Fields fields;
};

/// {"sequence":7,"time":"2024-05-01T12:00:00.123Z","kind":"health","level":"warning",
/// "message":"…", and the fields as further members}, without a newline.
std::string to_json(const Event& event);

struct Query {
  /// Only events with a larger sequence number.
  std::uint64_t after = 0;
  /// Only events of this time or later.
  std::optional<std::chrono::system_clock::time_point> since;
  /// Only events of these kinds; empty: of all.
  std::vector<Kind> kinds;
  /// The oldest so many of them.
  std::size_t limit = 1000;
};

struct Page {
  std::vector<Event> events;
  /// Go on with Query::after = next: it is the sequence number of the last event that was looked
  /// at.
  std::uint64_t next = 0;
  /// There was no room for all that fit.
  bool more = false;
  /// Of the events after Query::after, so many are gone already: the log keeps kCapacity.
  std::uint64_t lost = 0;
};

class EventLog {
 public:
  static constexpr std::size_t kCapacity = 10'000;
  static constexpr std::size_t kLongestMessage = 1024;
  static constexpr std::size_t kLongestValue = 512;
  static constexpr std::size_t kMostFields = 16;

  using Clock = std::function<std::chrono::system_clock::time_point()>;
  using OnEvent = std::function<void(const Event&)>;
  /// Ends the subscription when it goes. It may outlive the log.
  using Subscription = std::shared_ptr<void>;

  explicit EventLog(Clock clock = std::chrono::system_clock::now) : clock_(std::move(clock)) {}
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  /// Remembers it and logs it, with "event" (its kind) and "sequence" as the first fields of
  /// the line. What is too long is shortened; control characters are escaped.
  void add(Kind kind, spdlog::level::level_enum level, std::string_view message,
           base::Fields fields = {});

  /// Cost: the events that it looks at.
  Page find(const Query& query) const;

  /// The sequence number of the newest event; 0: there is none.
  std::uint64_t newest() const { return newest_; }

  /// Calls `on_event` for each event from now on, out of add(). It may end subscriptions, its own
  /// too, but must not add events.
  [[nodiscard]] Subscription subscribe(OnEvent on_event);

 private:
  Clock clock_;
  std::deque<Event> events_;  // of consecutive sequence numbers, up to newest_
  std::uint64_t newest_ = 0;
  std::vector<std::weak_ptr<OnEvent>> subscribers_;
};

}  // namespace guideway::events

#endif  // GUIDEWAY_EVENTS_EVENT_LOG_H_
