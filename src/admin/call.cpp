// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "call.h"

#include <algorithm>

#include "guideway/base/text.h"
#include "guideway/config/json_text.h"
#include "guideway/config/values.h"

namespace guideway::admin {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

tl::unexpected<CallError> bad(std::string field, std::string message) {
  return tl::unexpected(CallError{400, "bad_request", std::move(field), std::move(message)});
}

}  // namespace

Response to_response(const CallError& error) {
  return error_response(error.status, error.code, error.message, error.field, error.all);
}

tl::expected<std::string, CallError> unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
      if (!low) return bad("target", "a % in the target is not followed by two hexadecimal digits");
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad("target", "the target has a control character");
    result += c;
  }
  return result;
}

tl::expected<std::map<std::string, std::string>, CallError> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    auto key = unescape(part.substr(0, equals));
    auto value = unescape(part.substr(std::min(equals + 1, part.size())));
    if (!key) return tl::unexpected(key.error());
    if (!value) return tl::unexpected(value.error());
    if (!query.emplace(*key, *value).second) return bad(*key, "stands twice in the query");
  }
  return query;
}

tl::expected<Json, CallError> parse_body(std::string_view text) {
  if (text.empty()) return Json();
  const config::JsonBounds bounds;
  auto json = config::parse_json(text, bounds);
  if (!json) return bad("body", "the body " + config::words_of(json.error(), bounds));
  return std::move(*json);
}

tl::expected<std::chrono::seconds, CallError> parse_time(const std::string& field,
                                                         std::string_view text,
                                                         std::chrono::seconds least,
                                                         std::chrono::seconds most) {
  const auto time = config::parse_seconds(text);
  if (!time) return bad(field, time.error().message);
  if (*time < least || *time > most)
    return bad(field, base::quoted(text) + " is out of range: allowed is " +
                          std::to_string(least.count()) + "s to " + std::to_string(most.count()) +
                          "s");
  return *time;
}

Response answer_of(const Call& call, Json more) {
  Json json = {{"api", 1}, {"revision", call.controller.desired().revision}};
  for (auto& [key, value] : more.items()) json[key] = std::move(value);
  Response response;
  response.body = to_text(json);
  response.revision = call.controller.desired().revision;
  return response;
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json changes_json(const std::vector<config::Change>& changes) {
  Json list = Json::array();
  for (const auto& change : changes) list.push_back(config::to_json(change));
  return list;
}

}  // namespace guideway::admin
