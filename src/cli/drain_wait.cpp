// SPDX-License-Identifier: Apache-2.0
#include "drain_wait.h"

namespace guideway::cli {
namespace {

/// The daemon counts about every two seconds.
constexpr std::chrono::milliseconds kPollPause{500};

struct Count {
  std::uint64_t flows = 0;
  /// Seconds since they were counted; negative: not yet.
  std::int64_t age_s = -1;
  /// All packets saw this generation, or a later one, when the count began.
  std::uint64_t generation = 0;
};

/// Of a backend's resource; one that does not run yet has not been counted.
Count count_in(const Json& backend) {
  Count count;
  const Json& status = backend.at("status");
  const Json& age = backend.at("live_flows_age_s");
  if (!status.is_object() || age.is_null()) return count;
  count.flows = status.at("live_flows").get<std::uint64_t>();
  count.age_s = age.get<std::int64_t>();
  count.generation = backend.at("live_flows_generation").get<std::uint64_t>();
  return count;
}

/// What the operators want of it by now.
std::string state_in(const Json& backend) {
  const Json& config = backend.at("config");
  return config.contains("state") ? text_of(config, "state") : "enabled";
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
  // A flow that was new before the drain was in force may be missed by a count that began earlier.
  const auto generation = drained.answer.at("generation").get<std::uint64_t>();
  std::optional<std::uint64_t> shown;
  for (;;) {
    const auto read = call.daemon.read_before_write(path);
    if (!read) return tl::unexpected(read.error());
    const Json& backend = read->at("backend");
    if (const std::string state = state_in(backend); state != "drain")
      return failed(kConflict, call.arguments[0] + " is " + base::quoted(state) +
                                   " again: somebody has ended the drain");
    const Count count = count_in(backend);
    const auto waited = call.around.now() - started;
    if (shown != count.flows) show(call, count);
    shown = count.flows;
    const bool empty = count.flows == 0 && count.age_s >= 0 && count.generation >= generation;
    const bool late = deadline && waited >= *deadline;
    if (empty || late) show_end(call, drained.answer, count);
    if (empty) return {};
    if (late)
      return failed_as_shown({kDeadline, "the deadline passed with " + std::to_string(count.flows) +
                                             " live flows left on " + call.arguments[0]});
    call.around.sleep(kPollPause);
  }
}

}  // namespace guideway::cli
