// SPDX-License-Identifier: Apache-2.0
#include "drain_wait.h"

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

/// Of a backend's resource; one that does not run yet has not been counted.
Count count_in(const Json& backend) {
  Count count;
  const Json& status = backend.at("status");
  const Json& age = backend.at("live_flows_age_s");
  if (!status.is_object() || age.is_null()) return count;
  count.flows = status.at("live_flows").get<std::uint64_t>();
  count.age_s = age.get<std::int64_t>();
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

Outcome<void> wait_until_drained(const Call& call, const std::string& path, const Done& drained,
                                 std::optional<std::chrono::seconds> deadline) {
  if (!call.json()) tell(call, drained);
  const auto started = call.around.now();
  std::optional<std::uint64_t> shown;
  for (;;) {
    const auto read = call.daemon.read_before_write(path);
    if (!read) return tl::unexpected(read.error());
    const Count count = count_in(read->at("backend"));
    const auto waited = call.around.now() - started;
    if (shown != count.flows) show(call, count);
    shown = count.flows;
    const bool empty = count.flows == 0 && is_newer(count, waited);
    const bool late = deadline && waited >= *deadline;
    if (empty || late) show_end(call, drained.answer, count);
    if (empty) return {};
    if (late)
      return failed(kDeadline, "the deadline passed with " + std::to_string(count.flows) +
                                   " live flows left on " + call.arguments[0]);
    call.around.sleep(kPollPause);
  }
}

}  // namespace guideway::cli
