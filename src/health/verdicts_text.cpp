// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/verdicts_text.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace guideway::health {
namespace {

using Json = nlohmann::json;
using std::chrono::system_clock;

constexpr std::array kStates = {State::kHealthy, State::kUnhealthy};
constexpr std::array kReasons = {
    Reason::kNone,         Reason::kTimeout,          Reason::kConnectRefused,
    Reason::kUnreachable,  Reason::kConnectionClosed, Reason::kStatusMismatch,
    Reason::kBodyMismatch, Reason::kBadAnswer,        Reason::kTlsError,
    Reason::kFlapping,     Reason::kLocalFault,
};
constexpr std::size_t kMostDetail = 256;

template <typename Values>
auto by_name(const Values& values, const std::string& name)
    -> std::optional<typename Values::value_type> {
  for (const auto value : values)
    if (name == to_string(value)) return value;
  return std::nullopt;
}

/// A member that has to be there, of that type.
template <typename T>
std::optional<T> member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!found->is_string()) return std::nullopt;
  } else if (!found->is_number_integer()) {
    return std::nullopt;
  }
  return found->get<T>();
}

std::optional<system_clock::time_point> time_of(std::int64_t unix_s) {
  // The latest time that a system_clock in ns can name is in 2262.
  constexpr std::int64_t kLatest_s = 9'000'000'000;
  if (unix_s < 0 || unix_s > kLatest_s) return std::nullopt;
  return system_clock::from_time_t(static_cast<std::time_t>(unix_s));
}

/// The last error, if there is one; an earlier daemon has saved none. Whether it is as it should.
bool read_last_error(const Json& json, Verdict& verdict) {
  const auto found = json.find("last_error");
  if (found == json.end()) return true;
  if (!found->is_object()) return false;
  const auto reason_name = member<std::string>(*found, "reason");
  const auto detail = member<std::string>(*found, "detail");
  const auto at_s = member<std::int64_t>(*found, "at_s");
  if (!reason_name || !detail || !at_s) return false;
  const auto reason = by_name(kReasons, *reason_name);
  const auto at = time_of(*at_s);
  if (!reason || *reason == Reason::kNone || !at) return false;
  verdict.last_error = *reason;
  verdict.last_error_detail = detail->substr(0, kMostDetail);
  verdict.last_error_at = *at;
  return true;
}

std::optional<std::pair<model::BackendKey, Verdict>> verdict_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto pool = member<std::string>(json, "pool");
  const auto text = member<std::string>(json, "address");
  const auto port = member<std::int64_t>(json, "port");
  const auto state_name = member<std::string>(json, "state");
  const auto reason_name = member<std::string>(json, "reason");
  const auto detail = member<std::string>(json, "detail");
  const auto since_s = member<std::int64_t>(json, "since_s");
  if (!pool || !text || !port || !state_name || !reason_name || !detail || !since_s)
    return std::nullopt;
  const auto address = IpAddress::parse(*text);
  const auto state = by_name(kStates, *state_name);
  const auto reason = by_name(kReasons, *reason_name);
  const auto since = time_of(*since_s);
  if (!address || !state || !reason || *port < 0 || *port > 65535 || !since) return std::nullopt;
  Verdict verdict;
  if (!read_last_error(json, verdict)) return std::nullopt;
  verdict.state = *state;
  verdict.reason = *reason;
  verdict.detail = detail->substr(0, kMostDetail);
  verdict.since = *since;
  return std::pair{model::BackendKey{*pool, *address, static_cast<std::uint16_t>(*port)},
                   std::move(verdict)};
}

}  // namespace

std::string to_text(const Verdicts& verdicts) {
  Json list = Json::array();
  for (const auto& [key, verdict] : verdicts) {
    if (verdict.state == State::kInitial) continue;
    list.push_back({{"pool", key.pool},
                    {"address", key.address.to_string()},
                    {"port", key.port},
                    {"state", to_string(verdict.state)},
                    {"reason", to_string(verdict.reason)},
                    {"detail", verdict.detail},
                    {"since_s", system_clock::to_time_t(verdict.since)}});
    if (verdict.last_error != Reason::kNone)
      list.back()["last_error"] = {{"reason", to_string(verdict.last_error)},
                                   {"detail", verdict.last_error_detail},
                                   {"at_s", system_clock::to_time_t(verdict.last_error_at)}};
  }
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Verdicts> verdicts_of(std::string_view text) {
  const Json list = Json::parse(text, nullptr, false);
  if (!list.is_array()) return base::fail("it is no list of verdicts");
  Verdicts verdicts;
  for (const Json& each : list) {
    auto verdict = verdict_of(each);
    if (!verdict) return base::fail("entry " + std::to_string(verdicts.size()) + " is no verdict");
    verdicts.insert(std::move(*verdict));
  }
  return verdicts;
}

}  // namespace guideway::health
