// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/marks.h"

#include <set>

namespace guideway::control {
namespace {

using config::Json;
using std::chrono::seconds;

template <typename Time>
std::optional<Time> after(Time now, const std::optional<seconds>& time) {
  if (!time) return std::nullopt;
  return now + *time;
}

template <typename Time>
bool is_over(const std::optional<Time>& until, Time now) {
  return until && *until <= now;
}

/// The clock counts nanoseconds in 64 bits, which end in the year 2262.
constexpr std::int64_t kLastSecond = 9'000'000'000;
constexpr std::int64_t kLongestTtl = 366 * 86'400;

std::int64_t unix_seconds(WallTime time) { return std::chrono::system_clock::to_time_t(time); }

const char* word_of(model::Forced forced) {
  return forced == model::Forced::kUp ? "up" : forced == model::Forced::kDown ? "down" : "";
}

/// An integer within what a clock can hold; none if it is something else.
std::optional<std::int64_t> number_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  const auto number = found->get<std::int64_t>();
  if (number < 0 || number > kLastSecond) return std::nullopt;
  return number;
}

std::optional<WallTime> time_in(const Json& json, const char* key) {
  const auto number = number_in(json, key);
  if (!number) return std::nullopt;
  return std::chrono::system_clock::from_time_t(*number);
}

std::string text_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

const Json* find_backend(const config::Resources& resources, const MarkKey& key) {
  return config::find_resource(resources,
                               {config::ResourcePath::Kind::kBackend, key.first, key.second});
}

bool drains(const Json* backend) {
  return backend != nullptr && text_in(*backend, "state") == "drain";
}

}  // namespace

void apply(const MarkChange& change, const Moment& now, Marks& marks) {
  using enum MarkChange::What;
  Mark& mark = marks[change.backend];
  switch (change.what) {
    case kForceUp:
    case kForceDown:
      mark.forced = change.what == kForceUp ? model::Forced::kUp : model::Forced::kDown;
      mark.forced_until = after(now.wall, change.time);
      break;
    case kAuto:
      mark.forced = model::Forced::kNone;
      mark.forced_until.reset();
      break;
    case kDrain:
      mark.drain_until = after(now.wall, change.time);
      mark.reset_at_deadline = change.reset && change.time;
      mark.resets_flows = false;
      break;
    case kKeep:
      mark.drain_until.reset();
      mark.reset_at_deadline = false;
      mark.resets_flows = false;
      break;
    case kRenew:
      mark.ttl = change.time;
      mark.ttl_until = after(now.steady, change.time);
      break;
  }
  if (mark.empty()) marks.erase(change.backend);
}

std::vector<MarkKey> drop_orphans(const config::Resources& resources, Marks& marks) {
  std::vector<MarkKey> dropped;
  for (const auto& [key, mark] : marks)
    if (find_backend(resources, key) == nullptr) dropped.push_back(key);
  for (const MarkKey& key : dropped) marks.erase(key);
  return dropped;
}

Marks lost_marks(const Marks& before, const Marks& now) {
  Marks lost;
  for (const auto& [key, mark] : before) {
    const auto left = now.find(key);
    if (left == now.end() || left->second != mark) lost.emplace(key, mark);
  }
  return lost;
}

void return_marks(const Marks& lost, const config::Resources& before, const config::Resources& now,
                  SteadyTime time, Marks& marks) {
  for (const auto& [key, mark] : lost) {
    const Json* was = find_backend(before, key);
    const Json* is = find_backend(now, key);
    if (is == nullptr) continue;
    if (was == nullptr) {
      Mark& returned = marks[key] = mark;
      returned.ttl_until = after(time, mark.ttl);
    } else if (!drains(was) && drains(is)) {
      Mark& kept = marks[key];
      kept.drain_until = mark.drain_until;
      kept.reset_at_deadline = mark.reset_at_deadline;
      kept.resets_flows = mark.resets_flows;
    }
  }
  std::erase_if(marks, [](const auto& each) { return each.second.empty(); });
}

void drop_ended_drains(const config::Resources& resources, Marks& marks) {
  for (auto it = marks.begin(); it != marks.end();) {
    Mark& mark = it->second;
    if (!drains(find_backend(resources, it->first))) {
      mark.drain_until.reset();
      mark.reset_at_deadline = false;
      mark.resets_flows = false;
    }
    it = mark.empty() ? marks.erase(it) : std::next(it);
  }
}

std::vector<config::Change> mark_changes(const Marks& before, const Marks& now,
                                         const config::Resources& resources) {
  Marks all = now;
  all.insert(before.begin(), before.end());
  const auto mark_in = [](const Marks& marks, const MarkKey& key) {
    const auto found = marks.find(key);
    return found == marks.end() ? Mark() : found->second;
  };
  std::vector<config::Change> changes;
  for (const auto& each : all) {
    const MarkKey& key = each.first;
    const Mark old = mark_in(before, key);
    const Mark mark = mark_in(now, key);
    Json value = Json::object();
    if (mark.forced != old.forced)
      value["forced"] = mark.forced == model::Forced::kNone ? Json(nullptr) : word_of(mark.forced);
    if (mark.resets_flows != old.resets_flows) value["resets_flows"] = mark.resets_flows;
    const config::ResourcePath path{config::ResourcePath::Kind::kBackend, key.first, key.second};
    if (!value.empty() && config::find_resource(resources, path) != nullptr)
      changes.push_back({config::Change::Op::kPatch, path, std::move(value)});
  }
  return changes;
}

void apply_to_model(const Marks& marks, model::Model& model) {
  if (marks.empty()) return;
  for (model::Pool& pool : model.pools) {
    for (model::Backend& backend : pool.backends) {
      const auto mark = marks.find({pool.name, backend.name});
      if (mark == marks.end()) continue;
      backend.forced = mark->second.forced;
      backend.resets_flows =
          mark->second.resets_flows && backend.state == model::AdminState::kDrain;
    }
  }
}

std::optional<Ended> end_marks(const Marks& marks, const Moment& now) {
  Ended ended;
  ended.marks = marks;
  for (const auto& [key, before] : marks) {
    Mark& mark = ended.marks[key];
    if (is_over(mark.forced_until, now.wall)) {
      mark.forced = model::Forced::kNone;
      mark.forced_until.reset();
      ended.notes.push_back({key, "health is by the checks again"});
    }
    if (is_over(mark.drain_until, now.wall)) {
      mark.drain_until.reset();
      mark.resets_flows = mark.reset_at_deadline;
      mark.reset_at_deadline = false;
      ended.notes.push_back(
          {key, std::string("the deadline of its drain has passed; its flows are ") +
                    (mark.resets_flows ? "reset" : "kept")});
    }
    if (is_over(mark.ttl_until, now.steady)) {
      ended.deletions.push_back({config::Change::Op::kDelete,
                                 {config::ResourcePath::Kind::kBackend, key.first, key.second},
                                 nullptr});
      ended.notes.push_back({key, "was not renewed within " +
                                      std::to_string(mark.ttl.value_or(seconds{0}).count()) +
                                      " s; drained and removed"});
    }
    if (mark.empty()) ended.marks.erase(key);
  }
  if (ended.notes.empty()) return std::nullopt;
  return ended;
}

config::Json to_json(const Marks& marks) {
  Json list = Json::array();
  for (const auto& [key, mark] : marks) {
    Json each = {{"pool", key.first}, {"backend", key.second}};
    if (mark.forced != model::Forced::kNone) each["forced"] = word_of(mark.forced);
    if (mark.forced_until) each["forced_until"] = unix_seconds(*mark.forced_until);
    if (mark.drain_until) each["drain_until"] = unix_seconds(*mark.drain_until);
    if (mark.reset_at_deadline) each["reset_at_deadline"] = true;
    if (mark.resets_flows) each["resets_flows"] = true;
    if (mark.ttl) each["ttl_s"] = mark.ttl->count();
    list.push_back(std::move(each));
  }
  return list;
}

Result<Marks> marks_of(const config::Json& json, SteadyTime now) {
  if (!json.is_array()) return base::fail("marks must be an array");
  Marks marks;
  for (const Json& each : json) {
    const MarkKey key{text_in(each, "pool"), text_in(each, "backend")};
    if (!each.is_object() || key.first.empty() || key.second.empty())
      return base::fail("a mark must have a pool and a backend");
    Mark mark;
    const std::string forced = text_in(each, "forced");
    if (forced == "up") mark.forced = model::Forced::kUp;
    if (forced == "down") mark.forced = model::Forced::kDown;
    mark.forced_until = time_in(each, "forced_until");
    mark.drain_until = time_in(each, "drain_until");
    mark.reset_at_deadline = flag_in(each, "reset_at_deadline");
    mark.resets_flows = flag_in(each, "resets_flows");
    if (const auto ttl = number_in(each, "ttl_s"); ttl && *ttl > 0 && *ttl <= kLongestTtl) {
      mark.ttl = seconds(*ttl);
      mark.ttl_until = now + *mark.ttl;
    }
    if (!mark.empty()) marks[key] = mark;
  }
  return marks;
}

}  // namespace guideway::control
