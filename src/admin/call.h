// SPDX-License-Identifier: Apache-2.0
// Call: one request on its way through a route, with its parameters taken apart and checked.
// Threading: the control thread.
#ifndef GUIDEWAY_ADMIN_CALL_H_
#define GUIDEWAY_ADMIN_CALL_H_

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/admin/api.h"
#include "guideway/admin/http_server.h"
#include "guideway/control/controller.h"
#include "status_parts.h"

namespace guideway::admin {

/// What a route may be given; everything else is refused.
struct Call {
  control::Controller& controller;
  const SharedTexts texts;
  Request request;
  /// By the name in the route's path: "pool" → "web".
  std::map<std::string, std::string> names;
  std::map<std::string, std::string> query;
  /// Of a route that takes one; null without a body.
  Json body;
  Respond respond;
};

/// Something is wrong with the request itself.
struct CallError {
  unsigned status = 400;
  std::string code = "bad_request";
  std::string field;
  std::string message;
  /// Of a configuration file: what else is wrong, too; the message is the first.
  std::vector<std::string> all = {};
};
Response to_response(const CallError& error);

/// "a%20b" → "a b". Errors: a bad escape, or a control character.
tl::expected<std::string, CallError> unescape(std::string_view text);
/// The part behind "?".
tl::expected<std::map<std::string, std::string>, CallError> parse_query(std::string_view text);
/// JSON within config::JsonBounds; null for an empty text.
tl::expected<Json, CallError> parse_body(std::string_view text);
/// "30s" of a query's or a body's key, within these bounds.
tl::expected<std::chrono::seconds, CallError> parse_time(const std::string& field,
                                                         std::string_view text,
                                                         std::chrono::seconds least,
                                                         std::chrono::seconds most);

/// Has a large answer made beside the control thread, of values that do not change meanwhile:
/// `make` takes what is configured. Refuses if too many are being made.
void answer_beside(Call call, std::function<Response(const control::DesiredState&)> make);

/// {"api": 1, "revision": …} and `more`, with the revision in the ETag.
Response answer_of(const Call& call, Json more);

std::string to_text(const Json& json);
Json changes_json(const std::vector<config::Change>& changes);

}  // namespace guideway::admin

#endif  // GUIDEWAY_ADMIN_CALL_H_
