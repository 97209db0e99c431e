// SPDX-License-Identifier: Apache-2.0
// explain: what the packet path would do with a packet now.
#include "command.h"
#include "guideway/base/text.h"
#include "guideway/config/values.h"
#include "resource.h"

namespace guideway::cli {
namespace {

Outcome<void> check_protocol(const std::string& protocol) {
  if (protocol == "tcp" || protocol == "udp") return {};
  return failed(kUsage, base::quoted(protocol) + " is neither tcp nor udp; the nearest is \"" +
                            config::nearest(protocol, {"tcp", "udp"}) + "\"");
}

}  // namespace

Outcome<void> explain_packet(Call& call) {
  const std::string& protocol = call.arguments.at(0);
  if (auto good = check_protocol(protocol); !good) return good;
  for (std::size_t i = 1; i <= 2; i++)
    if (call.arguments[i].find(':') == std::string::npos)
      return failed(kUsage, base::quoted(call.arguments[i]) +
                                " has no port: write ADDRESS:PORT, or [ADDRESS]:PORT for IPv6");
  const auto answer = call.daemon.read(
      "/v1/explain?protocol=" + protocol + "&source=" + encoded(call.arguments[1]) +
      "&destination=" + encoded(call.arguments[2]) +
      (call.line.has("flags") ? "&flags=" + encoded(call.line.get("flags")) : ""));
  if (!answer) return tl::unexpected(answer.error());
  call.out() << (call.json() ? json_line(*answer) : fields_text(answer->at("explain")));
  return {};
}

}  // namespace guideway::cli
