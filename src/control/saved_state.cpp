// SPDX-License-Identifier: Apache-2.0
#include "saved_state.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <utility>

#include "guideway/config/json_text.h"

namespace guideway::control {
namespace {

using config::Change;
using config::Json;

/// Values in a configuration are not nested deeper; a deeper text is not ours.
constexpr config::JsonBounds kBounds{.most_levels = 32, .most_keys = SIZE_MAX};
/// The clock counts nanoseconds in 64 bits, which end in the year 2262.
constexpr std::int64_t kLastTime = 9'000'000'000;
/// Far beyond any real one, and far from where counting on would begin at 0 again.
constexpr std::uint64_t kLastRevision = std::uint64_t{1} << 62;
/// Half of what the state directory gives back. Old revisions make room.
constexpr std::size_t kMostText = std::size_t{32} << 20;

/// Nothing if it is not JSON, or too deep for recursive code.
std::optional<Json> parse_json(std::string_view text) {
  auto json = config::parse_json(text, kBounds);
  if (!json) return std::nullopt;
  return std::move(*json);
}

Json changes_json(const std::vector<Change>& changes) {
  Json list = Json::array();
  for (const Change& change : changes) list.push_back(config::to_json(change));
  return list;
}

std::uint64_t crc_of(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  return crc.checksum();
}

const Json& member(const Json& json, const char* key) {
  static const Json kNull;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? kNull : *found;
}

Result<std::vector<Change>> changes_of(const Json& json) {
  if (!json.is_array()) return base::fail("changes must be an array");
  std::vector<Change> changes;
  for (const Json& each : json) {
    auto change = config::change_of(each);
    if (!change) return tl::unexpected(change.error());
    changes.push_back(std::move(*change));
  }
  return changes;
}

std::uint64_t number_of(const Json& json) {
  return json.is_number_unsigned() ? json.get<std::uint64_t>() : 0;
}

WallTime time_of(const Json& json) {
  const auto unix_s = static_cast<std::int64_t>(number_of(json));
  return std::chrono::system_clock::from_time_t(unix_s < 0 || unix_s > kLastTime ? 0 : unix_s);
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}

Json revision_json(const Revision& revision) {
  return {{"revision", revision.number},
          {"time", std::chrono::system_clock::to_time_t(revision.time)},
          {"change_id", revision.change_id},
          {"source", revision.source},
          {"changes", changes_json(revision.changes)},
          {"undo", changes_json(revision.undo)}};
}

/// Errors: a change in it is not one.
Result<Revision> revision_of(const Json& json) {
  auto changes = changes_of(member(json, "changes"));
  auto undo = changes_of(member(json, "undo"));
  if (!changes) return tl::unexpected(changes.error());
  if (!undo) return tl::unexpected(undo.error());
  return Revision{number_of(member(json, "revision")),
                  time_of(member(json, "time")),
                  text_of(member(json, "change_id")),
                  text_of(member(json, "source")),
                  std::move(*changes),
                  std::move(*undo)};
}

/// All of it, or nothing: a history with a hole leads nowhere.
Result<std::deque<Revision>> history_of(const Json& json, std::uint64_t newest) {
  std::deque<Revision> history;
  if (!json.is_array() || json.size() > DesiredState::kMostRevisions)
    return base::fail("the history is not a list of revisions");
  for (const Json& each : json) {
    auto revision = revision_of(each);
    if (!revision) return tl::unexpected(revision.error());
    if (!history.empty() && revision->number <= history.back().number)
      return base::fail("the history's revisions do not grow");
    if (revision->number > newest)
      return base::fail("the history's revisions are newer than the saved one");
    history.push_back(std::move(*revision));
  }
  return history;
}

std::optional<config::Resources> base_of(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !member(*json, "services").is_array() || !member(*json, "pools").is_array())
    return std::nullopt;
  return config::Resources{member(*json, "services"), member(*json, "pools")};
}

}  // namespace

std::string to_text(const DesiredState& state) {
  Json history = Json::array();
  std::size_t size = 0;
  for (auto revision = state.history.rbegin(); revision != state.history.rend(); ++revision) {
    Json each = revision_json(*revision);
    size += each.dump(-1, ' ', false, Json::error_handler_t::replace).size();
    if (size > kMostText) break;
    history.insert(history.begin(), std::move(each));
  }
  Json json = {{"revision", state.revision},
               {"overlay", changes_json(config::difference(state.base, state.running))},
               {"marks", to_json(state.marks)},
               {"base_crc", crc_of(base_text(state))},
               {"history", std::move(history)}};
  if (state.unconfirmed)
    json["unconfirmed"] = {
        {"until", std::chrono::system_clock::to_time_t(state.unconfirmed->until)},
        {"back_to", state.unconfirmed->back_to},
        {"lost", to_json(state.unconfirmed->lost)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string base_text(const DesiredState& state) {
  const Json json = {{"services", state.base.services}, {"pools", state.base.pools}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

SavedState saved_state(std::string_view text, std::string_view base, SteadyTime now,
                       std::vector<std::string>& problems) {
  SavedState saved;
  if (text.empty()) return saved;
  const auto json = parse_json(text);
  if (!json || !json->is_object()) {
    problems.push_back("the saved changes are not JSON");
    return saved;
  }
  saved.revision = number_of(member(*json, "revision"));
  if (saved.revision > kLastRevision) {
    problems.push_back("the saved revision's number is not one: it begins anew");
    saved.revision = 0;
  }
  auto overlay = changes_of(member(*json, "overlay"));
  if (overlay)
    saved.overlay = std::move(*overlay);
  else
    problems.push_back("the saved changes: " + overlay.error().message);
  if (auto marks = marks_of(member(*json, "marks"), now))
    saved.marks = std::move(*marks);
  else
    problems.push_back("the saved marks: " + marks.error().message);
  // Two files: a crash between them leaves a base that the rest was not made for.
  if (overlay && number_of(member(*json, "base_crc")) == crc_of(base)) saved.base = base_of(base);
  if (!saved.base) {
    problems.push_back(
        "the saved file is missing, damaged or another one: the history begins anew");
    return saved;
  }
  if (auto history = history_of(member(*json, "history"), saved.revision))
    saved.history = std::move(*history);
  else
    problems.push_back("the saved history begins anew: " + history.error().message);
  const Json& unconfirmed = member(*json, "unconfirmed");
  if (unconfirmed.is_object()) {
    saved.unconfirmed = Unconfirmed{
        time_of(member(unconfirmed, "until")), number_of(member(unconfirmed, "back_to")), {}};
    const Json& lost = member(unconfirmed, "lost");  // an older daemon has saved none
    if (auto marks = lost.is_null() ? Marks() : marks_of(lost, now))
      saved.unconfirmed->lost = std::move(*marks);
    else
      problems.push_back("the saved marks of a change that waits: " + marks.error().message);
  }
  const auto is_known = [&](const Revision& each) {
    return each.number == saved.unconfirmed->back_to;
  };
  if (saved.unconfirmed && std::none_of(saved.history.begin(), saved.history.end(), is_known)) {
    problems.push_back("a change that waited for its confirmation stays: there is no way back");
    saved.unconfirmed.reset();
  }
  return saved;
}

bool can_be_read_back(const Revision& revision) {
  Json json;
  json["history"] = Json::array({revision_json(revision)});
  const auto read = parse_json(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  return read && history_of(member(*read, "history"), kLastRevision).has_value();
}

}  // namespace guideway::control
