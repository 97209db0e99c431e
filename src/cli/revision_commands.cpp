// SPDX-License-Identifier: Apache-2.0
// confirm, rollback, reload, diff, history: from one revision to another.
#include "change.h"
#include "command.h"
#include "guideway/base/text.h"
#include "table.h"

namespace guideway::cli {
namespace {

/// Any answer has the revision; this one is short.
constexpr const char* kHistory = "/v1/history";

}  // namespace

Outcome<void> confirm_change(Call& call) {
  const auto done = send_change(call, kHistory, {"POST", "/v1/confirm", "", ""});
  if (!done) return tl::unexpected(done.error());
  if (call.json())
    tell(call, *done);
  else
    call.out() << (call.line.has("dry-run") ? "dry run: this would be confirmed: revision "
                                            : "confirmed: revision ")
               << plain(done->answer.at("revision")) << "\n";
  return {};
}

Outcome<void> reload_file(Call& call) {
  return change_and_tell(call, kHistory, {"POST", "/v1/reload", "", ""});
}

Outcome<void> roll_back(Call& call) {
  Change change{"POST", "/v1/rollback", "", ""};
  if (!call.arguments.empty()) {
    const Json revision = Json::parse(call.arguments[0], nullptr, false);
    if (!revision.is_number_unsigned())
      return failed(kUsage,
                    base::quoted(call.arguments[0]) +
                        " is not a revision: name a number, as guideway history shows them");
    change.body = json_line({{"revision", revision}});
  }
  return change_and_tell(call, kHistory, change);
}

Outcome<void> show_diff(Call& call) {
  const auto answer = call.daemon.read("/v1/diff");
  if (!answer) return tl::unexpected(answer.error());
  if (call.json()) {
    call.out() << json_line(*answer);
    return {};
  }
  const Json& changes = answer->at("changes");
  call.out() << (changes.empty() ? "what runs is what the file says\n"
                                 : "what runs is the file with these changes:\n")
             << changes_text(changes);
  for (const Json& key : answer->value("needs_restart", Json::array()))
    call.out() << plain(key) << " differs too: a change of this needs a restart\n";
  return {};
}

Outcome<void> show_history(Call& call) {
  const auto answer = call.daemon.read(kHistory);
  if (!answer) return tl::unexpected(answer.error());
  if (call.json()) {
    call.out() << json_line(*answer);
    return {};
  }
  Table table({{"REVISION", Table::Align::kRight}, {"TIME"}, {"SOURCE"}, {"CHANGE"}, {""}});
  for (const Json& one : answer->at("history")) {
    std::string line = std::to_string(one.at("revision").get<std::uint64_t>());
    const Json& changes = one.at("changes");
    const bool first = !changes.empty();
    table.add(
        {line, plain(one.at("time")), text_of(one, "source"), text_of(one, "change_id"),
         first ? text_of(changes.at(0), "op") + " " + text_of(changes.at(0), "path") +
                     (changes.size() > 1 ? " and " + std::to_string(changes.size() - 1) + " more"
                                         : "")
               : ""});
  }
  call.out() << table.to_string();
  const Json until = answer->value("unconfirmed_until", Json(nullptr));
  if (!until.is_null())
    call.out() << "the last one is taken back at " << plain(until)
               << " unless you say: guideway confirm\n";
  return {};
}

}  // namespace guideway::cli
