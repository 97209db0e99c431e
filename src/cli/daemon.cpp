// SPDX-License-Identifier: Apache-2.0
#include "daemon.h"

#include <cctype>
#include <cstring>

#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

constexpr unsigned kPreconditionFailed = 412;

ExitCode exit_code_of(unsigned status) {
  return status == kPreconditionFailed ? kConflict : kFault;
}

/// "pool[0].backends[1].weight: 1001 is out of range". What is wrong with the body as a whole says
/// so.
std::string sentence(const Json& error) {
  const std::string field = error.contains("field") ? text_of(error, "field") : "";
  return (field.empty() || field == "body" ? "" : field + ": ") + text_of(error, "message");
}

/// Every rule that was broken, a line each.
std::string sentences(const Json& error) {
  if (!error.contains("all") || error.at("all").size() < 2) return sentence(error);
  std::string lines;
  for (const Json& one : error.at("all")) lines += (lines.empty() ? "" : "\n") + sentence(one);
  return lines;
}

tl::unexpected<Failure> refusal(const Answer& answer) {
  try {
    const Json error = Json::parse(answer.body).at("error");
    const bool conflict = answer.status == kPreconditionFailed;
    return failed(
        exit_code_of(answer.status),
        sentences(error) + (conflict ? "; nothing was changed: look again, then repeat it" : ""),
        answer.body);
  } catch (const Json::exception&) {
    return failed(exit_code_of(answer.status), "the daemon answered " +
                                                   std::to_string(answer.status) + ": " +
                                                   base::quoted(answer.body, 200));
  }
}

}  // namespace

Outcome<std::string> Daemon::ask(const Request& request) const {
  auto answer = exchange(request.method == "GET" ? for_reading_ : for_writing_, request);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status >= 300) return refusal(*answer);
  return std::move(answer->body);
}

Outcome<Json> Daemon::read(const std::string& target) const {
  Request request;
  request.target = target;
  const auto body = ask(request);
  if (!body) return tl::unexpected(body.error());
  return parse_answer(*body);
}

Outcome<Json> Daemon::read_before_write(const std::string& target) const {
  return Daemon(for_writing_, for_writing_).read(target);
}

Outcome<Json> parse_answer(const std::string& body) {
  try {
    return Json::parse(body);
  } catch (const Json::exception& error) {
    return failed(kFault, std::string("the daemon's answer is not understood (") +
                              base::escape_untrusted(error.what()) +
                              "); guideway and guidewayd should be of one version");
  }
}

std::string encoded(const std::string& text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte != 0 && (std::isalnum(value) != 0 || std::strchr("-._~:[],", byte) != nullptr))
      out += byte;
    else
      out += {'%', kHex[value >> 4], kHex[value & 15]};
  }
  return out;
}

}  // namespace guideway::cli
