// SPDX-License-Identifier: Apache-2.0
// status: what the daemon says or, when none answers, what one has left in the kernel.
#include <string>
#include <vector>

#include "command.h"
#include "orphan_view.h"
#include "status_view.h"

namespace guideway::cli {
namespace {

constexpr const char* kDefaultPins = "/run/guideway/bpf";

/// No daemon answers: programs of one may go on forwarding.
void show_orphans(const Call& call) {
  std::vector<std::string> problems;
  const auto orphans =
      datapath::xdp::find_orphans(call.line.get("pin-dir", kDefaultPins), problems);
  for (const auto& problem : problems) call.around.err << "guideway: " << problem << "\n";
  if (call.json()) {
    call.out() << orphans_json(orphans.value_or(std::vector<datapath::xdp::Orphan>()));
    return;
  }
  if (!orphans) return;
  for (const auto& orphan : *orphans) call.out() << orphan_view(orphan);
}

}  // namespace

Outcome<void> show_status(Call& call) {
  Request request;
  request.target = "/v1/status";
  const auto body = call.daemon.ask(request);
  if (!body) {
    if (body.error().code != kNoDaemon) return tl::unexpected(body.error());
    show_orphans(call);
    return failed_as_shown(body.error());
  }
  if (call.json()) {
    call.out() << *body;
    return {};
  }
  const auto view = status_view(*body);
  if (!view) return failed(kFault, view.error().message);
  call.out() << *view;
  return {};
}

}  // namespace guideway::cli
