// SPDX-License-Identifier: Apache-2.0
#include "change.h"

#include <charconv>

#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

/// Neighbours are looked for and tables are built before a write is answered.
constexpr std::chrono::seconds kWriteTime{60};

}  // namespace

Outcome<std::optional<std::uint64_t>> asked_revision(const Call& call) {
  if (!call.line.has("if-revision")) return std::nullopt;
  const std::string text = call.line.get("if-revision");
  std::uint64_t revision = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, revision);
  if (error != std::errc{} || last != end)
    return failed(kUsage, "--if-revision: " + base::quoted(text) +
                              " is not a revision: name a number, as guideway history shows them");
  return std::optional(revision);
}

Outcome<Done> send_change(const Call& call, std::uint64_t revision, const Change& change) {
  Request request;
  request.method = change.method;
  request.target = change.path + (change.query.empty() ? "" : "?" + change.query);
  if (call.line.has("dry-run"))
    request.target += std::string(change.query.empty() ? "?" : "&") + "dry_run=true";
  request.body = change.body;
  request.content_type = change.content_type;
  request.if_match = revision;
  request.time = kWriteTime;
  const auto body = call.daemon.ask(request);
  if (!body) return tl::unexpected(body.error());
  auto answer = parse_answer(*body);
  if (!answer) return tl::unexpected(answer.error());
  return Done{std::move(*answer), revision};
}

Outcome<Done> send_change(const Call& call, const std::string& read_first, const Change& change) {
  const auto asked = asked_revision(call);
  if (!asked) return tl::unexpected(asked.error());
  if (*asked) return send_change(call, **asked, change);
  const auto read = call.daemon.read_before_write(read_first);
  if (!read) return tl::unexpected(read.error());
  return send_change(call, read->at("revision").get<std::uint64_t>(), change);
}

void tell(const Call& call, const Done& done) {
  const Json& answer = done.answer;
  if (call.json()) {
    call.out() << json_line(answer);
    return;
  }
  const auto revision = answer.at("revision").get<std::uint64_t>();
  const Json& changes = answer.at("changes");
  const bool dry = answer.value("dry_run", false);
  if (changes.empty() && revision == done.before)
    call.out() << (dry ? "dry run: accepted, and no key changes: revision "
                       : "nothing to change: revision ")
               << revision << "\n";
  else if (dry)
    call.out() << "dry run, revision " << revision << " stays; this would be done:\n";
  else
    call.out() << "revision " << revision << ", generation "
               << answer.at("generation").get<std::uint64_t>() << " (change "
               << text_of(answer, "change_id") << ")\n";
  call.out() << changes_text(changes);
}

Outcome<void> change_and_tell(const Call& call, const std::string& read_first,
                              const Change& change) {
  const auto done = send_change(call, read_first, change);
  if (!done) return tl::unexpected(done.error());
  tell(call, *done);
  return {};
}

std::string changes_text(const Json& changes) {
  std::string lines;
  for (const Json& one : changes)
    lines += "  " + text_of(one, "op") + " " + text_of(one, "path") +
             (one.contains("value") ? " " + plain(one.at("value")) : "") + "\n";
  return lines;
}

}  // namespace guideway::cli
