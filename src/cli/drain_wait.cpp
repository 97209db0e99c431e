// SPDX-License-Identifier: Apache-2.0
#include "drain_wait.h"

#include "change.h"

namespace guideway::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// The daemon counts about every two seconds.
constexpr std::chrono::milliseconds kPollPause{500};

struct Count {
  std::uint64_t flows = 0;
  /// Seconds since they were counted; negative: not yet.
  std::int64_t age_s = -1;
};

/// Of "web/b1". A backend that is not listed any more has none: removed ones are, while they have.
Count count_in(const Json& status, const std::string& backend) {
  Count count;
  const Json& age = status.at("live_flows_age_s");
  if (!age.is_null()) count.age_s = age.get<std::int64_t>();
  for (const Json& pool : status.at("pools"))
    for (const Json& one : pool.at("backends"))
      if (pool.at("name").get<std::string>() + "/" + one.at("name").get<std::string>() == backend)
        count.flows += one.at("live_flows").get<std::uint64_t>();
  return count;
}

/// Whole seconds are shown, so a count of age 1 may be almost two old.
bool is_newer(const Count& count, Clock::duration since) {
  return count.age_s >= 0 && std::chrono::seconds(count.age_s + 1) <= since;
}

void show(const Call& call, const Count& count) {
  if (call.json()) return;
  call.out() << count.flows << " live flows"
             << (count.age_s < 0 ? ", not counted yet"
                                 : ", counted " + std::to_string(count.age_s) + " s ago")
             << std::endl;
}

void show_end(const Call& call, Json answer, const Count& count) {
  if (!call.json()) return;
  answer["live_flows"] = count.flows;
  answer["live_flows_age_s"] = count.age_s;
  call.out() << json_line(answer);
}

}  // namespace

Outcome<void> wait_until_drained(const Call& call, const Json& answer,
                                 std::optional<std::chrono::milliseconds> deadline) {
  if (!call.json()) tell(call, answer);
  const auto started = call.around.now();
  std::optional<std::uint64_t> shown;
  for (;;) {
    const auto status = call.daemon.read_before_write("/v1/status");
    if (!status) return tl::unexpected(status.error());
    const Count count = count_in(*status, call.arguments[0]);
    const auto waited = call.around.now() - started;
    if (shown != count.flows) show(call, count);
    shown = count.flows;
    const bool drained = count.flows == 0 && is_newer(count, waited);
    const bool late = deadline && waited >= *deadline;
    if (drained || late) show_end(call, answer, count);
    if (drained) return {};
    if (late)
      return failed(kDeadline, "the deadline passed with " + std::to_string(count.flows) +
                                   " live flows left on " + call.arguments[0]);
    call.around.sleep(kPollPause);
  }
}

}  // namespace guideway::cli
