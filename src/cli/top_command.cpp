// SPDX-License-Identifier: Apache-2.0
// top: rates, every second on a terminal, once elsewhere.
#include "command.h"
#include "terminal.h"
#include "top_view.h"

namespace guideway::cli {
namespace {

constexpr std::chrono::seconds kInterval{1};

struct Sample {
  Json status;
  std::chrono::steady_clock::time_point time;
};

Outcome<Sample> take_sample(const Call& call) {
  auto status = call.daemon.read("/v1/status");
  if (!status) return tl::unexpected(status.error());
  return Sample{std::move(*status), call.around.now()};
}

Json rates_of(const Sample& earlier, const Sample& later) {
  return rates_between(earlier.status, later.status, later.time - earlier.time);
}

Outcome<void> show_once(const Call& call, const Sample& first) {
  call.around.sleep(kInterval);
  const auto second = take_sample(call);
  if (!second) return tl::unexpected(second.error());
  const Json rates = rates_of(first, *second);
  call.out() << (call.json() ? json_line(rates) : top_view(rates));
  return {};
}

Outcome<void> show_on_screen(const Call& call, Sample last) {
  FullScreen screen(call.out());
  screen.draw("one second …");
  while (!screen.ends_within(kInterval)) {
    auto next = take_sample(call);
    if (!next) return tl::unexpected(next.error());
    const auto size = screen.size();
    screen.draw(cut_to_screen(top_view(rates_of(last, *next)), size.rows, size.columns));
    last = std::move(*next);
  }
  return {};
}

}  // namespace

Outcome<void> show_top(Call& call) {
  auto first = take_sample(call);
  if (!first) return tl::unexpected(first.error());
  const bool screen = call.around.terminal && !call.json();
  return screen ? show_on_screen(call, std::move(*first)) : show_once(call, *first);
}

}  // namespace guideway::cli
