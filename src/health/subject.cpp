// SPDX-License-Identifier: Apache-2.0
#include "subject.h"

#include <tuple>
#include <utility>

namespace guideway::health {

Subject::Subject(Environment& environment, model::BackendKey key, Verdict verdict,
                 const Checker::OnChange& on_change)
    : environment_(environment),
      key_(std::move(key)),
      judge_(1, 1, verdict.state),
      damper_({}, {}),
      verdict_(std::move(verdict)),
      on_change_(on_change) {}

void Subject::follow(const std::string& name, const model::HealthCheck& check) {
  name_ = name;
  judge_.rethreshold(check.healthy_threshold, check.unhealthy_threshold);
  damper_.retime(check.flap_hold, check.longest_flap_hold);
  const bool is_held = verdict_.held_until != std::chrono::system_clock::time_point();
  if (is_held) verdict_.held_until = verdict_.since + damper_.hold();
}

void Subject::take(const ProbeOutcome& outcome) {
  verdict_.probes[outcome.reason]++;
  if (outcome.reason == Reason::kLocalFault) {
    if (verdict_.reason != Reason::kLocalFault) hidden_ = {verdict_.reason, verdict_.detail};
    verdict_.reason = outcome.reason;
    verdict_.detail = outcome.detail;
    return;
  }
  if (!outcome.success()) {
    verdict_.last_error = outcome.reason;
    verdict_.last_error_detail = outcome.detail;
    verdict_.last_error_at = environment_.wall_clock();
  }
  if (verdict_.reason == Reason::kLocalFault)
    std::tie(verdict_.reason, verdict_.detail) = std::exchange(hidden_, {Reason::kNone, ""});
  const State now = judge_.take(outcome.success());
  if (outcome.success()) verdict_.latency = outcome.latency;
  is_held_ = now == State::kHealthy && verdict_.state == State::kUnhealthy &&
             !damper_.may_go_up(environment_.now());
  if (is_held_) {
    judge_.stay_unhealthy();
    verdict_.reason = Reason::kFlapping;
    verdict_.detail = "failure " + std::to_string(damper_.failures()) + " in a short time";
  } else if (now != verdict_.state) {
    change_to(now, outcome);
  } else if (!outcome.success() || now == State::kHealthy) {
    // One failure of a healthy backend is over with the next success; last_error remembers it.
    verdict_.reason = outcome.reason;
    verdict_.detail = outcome.success() ? "" : outcome.detail;
  }
}

void Subject::change_to(State state, const ProbeOutcome& outcome) {
  Change change{key_, name_, verdict_.state, {}, judge_.in_a_row(), {}};
  if (state == State::kUnhealthy) change.hold = damper_.went_down(environment_.now());
  if (state == State::kHealthy) damper_.went_up(environment_.now());
  verdict_.state = state;
  verdict_.since = environment_.wall_clock();
  verdict_.held_until = {};
  if (change.hold != change.hold.zero()) verdict_.held_until = verdict_.since + change.hold;
  verdict_.reason = outcome.reason;
  verdict_.detail = outcome.success() ? "" : outcome.detail;
  change.now = verdict_;
  on_change_(change);
}

}  // namespace guideway::health
