// SPDX-License-Identifier: Apache-2.0
// check, plan, apply and save: what has to do with a configuration file on this side.
#include <algorithm>

#include "change.h"
#include "command.h"
#include "files.h"
#include "guideway/base/text.h"
#include "guideway/config/config.h"
#include "guideway/config/values.h"
#include "plan_view.h"

namespace guideway::cli {
namespace {

constexpr const char* kConfig = "/v1/config";
constexpr std::chrono::seconds kPlanTime{60};

/// A document of JSON's begins with a brace, which none of TOML's does.
bool is_json(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

/// The daemon names keys; for a TOML file this program can say where they are.
Failure with_places(Failure failure, const std::string& text, const std::string& file) {
  const auto code = Json::parse(failure.body, nullptr, false);
  const bool invalid =
      code.is_object() && code.contains("error") && code.at("error").value("code", "") == "invalid";
  if (!invalid) return failure;
  failure.code = kUsage;
  if (is_json(text)) return failure;
  const auto loaded = config::parse(text, file);
  if (loaded.errors.empty()) return failure;
  failure.message.clear();
  for (const std::string& error : loaded.errors)
    failure.message += (failure.message.empty() ? "" : "\n") + error;
  return failure;
}

const char* content_type(const std::string& text) {
  return is_json(text) ? "application/json" : "application/toml";
}

}  // namespace

Outcome<void> check_file(Call& call) {
  const auto loaded = config::load_file(call.arguments[0]);
  const std::string file = base::escape_untrusted(call.arguments[0]);
  if (call.json())
    call.out() << json_line({{"api", 1},
                             {"good", loaded.errors.empty()},
                             {"errors", loaded.errors},
                             {"notes", loaded.notes}});
  if (!loaded.model) {
    std::string lines;
    for (const std::string& error : loaded.errors) lines += (lines.empty() ? "" : "\n") + error;
    return failed_as_shown({kUsage, lines});
  }
  if (!call.json()) {
    for (const std::string& note : loaded.notes) call.out() << note << '\n';
    call.out() << file << ": good: " << loaded.model->interfaces.size() << " interfaces, "
               << loaded.model->pools.size() << " pools, " << loaded.model->services.size()
               << " services\n";
  }
  return {};
}

Outcome<void> plan_file(Call& call) {
  const auto text = read_small_file(call.arguments[0]);
  if (!text) return tl::unexpected(text.error());
  Request request;
  request.method = "POST";
  request.target = "/v1/plan";
  request.body = *text;
  request.content_type = content_type(*text);
  request.time = kPlanTime;
  const auto body = call.daemon.ask(request);
  if (!body) return tl::unexpected(with_places(body.error(), *text, call.arguments[0]));
  const auto plan = parse_answer(*body);
  if (!plan) return tl::unexpected(plan.error());
  call.out() << (call.json() ? json_line(*plan) : plan_view(*plan));
  const std::string errors = plan_errors(*plan);
  if (!errors.empty()) return failed_as_shown({kUsage, errors});
  return {};
}

Outcome<void> apply_file(Call& call) {
  Change change{"PUT", kConfig, "", "", ""};
  if (call.line.has("confirm-within")) {
    const auto time = config::parse_seconds(call.line.get("confirm-within"));
    if (!time) return failed(kUsage, "--confirm-within: " + time.error().message);
    change.query = "confirm_within=" + encoded(call.line.get("confirm-within"));
  }
  const auto text = read_small_file(call.arguments[0]);
  if (!text) return tl::unexpected(text.error());
  change.body = *text;
  change.content_type = content_type(*text);
  const auto answer = send_change(call, "/v1/history", change);
  if (!answer) return tl::unexpected(with_places(answer.error(), *text, call.arguments[0]));
  tell(call, *answer);
  if (!change.query.empty() && !call.json() && !call.line.has("dry-run"))
    call.out() << "taken back in " << call.line.get("confirm-within")
               << " unless you say: guideway confirm\n";
  return {};
}

Outcome<void> save_file(Call& call) {
  Request request;
  const bool shows_json = call.json() && call.arguments.empty();
  request.target = std::string(kConfig) + (shows_json ? "" : "?format=toml");
  const auto body = call.daemon.ask(request);
  if (!body) return tl::unexpected(body.error());
  if (call.arguments.empty()) {
    call.out() << *body;
    return {};
  }
  if (auto written = write_whole_file(call.arguments[0], *body); !written) return written;
  if (call.json())
    call.out() << json_line({{"api", 1}, {"file", call.arguments[0]}, {"bytes", body->size()}});
  else
    call.out() << base::escape_untrusted(call.arguments[0]) << ": " << body->size() << " bytes\n";
  return {};
}

}  // namespace guideway::cli
