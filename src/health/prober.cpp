// SPDX-License-Identifier: Apache-2.0
#include "prober.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "guideway/base/text.h"

namespace guideway::health {
namespace {

/// One that fails alone changes nothing, and so is no event.
void log_failure(const ProbeRequest& request, const ProbeOutcome& outcome) {
  if (outcome.success() || !spdlog::should_log(spdlog::level::debug)) return;
  spdlog::debug("probe of {} port {} failed: {} ({})", request.address.to_string(), request.port,
                to_string(outcome.reason), base::escape_untrusted(outcome.detail));
}

}  // namespace

Prober::Prober(Environment& environment, const LagMeter& lag, Plan plan)
    : environment_(environment),
      lag_(lag),
      plan_(std::move(plan)),
      timer_(environment.make_timer()) {}

Prober::~Prober() {
  if (probe_) probe_->cancel();
}

void Prober::add(Subject& subject, std::chrono::milliseconds delay) {
  subjects_.push_back(&subject);
  const Environment::Time soon = environment_.now() + delay;
  if (!probe_ && soon < due_) wait_until(soon);
}

void Prober::remove(const Subject& subject) {
  subjects_.erase(std::remove(subjects_.begin(), subjects_.end(), &subject), subjects_.end());
}

void Prober::wait_until(Environment::Time when) {
  due_ = when;
  timer_->call_at(when, [this] { probe(); });
}

void Prober::probe() {
  started_ = environment_.now();
  lag_before_ = lag_.total();
  due_ = Environment::Time::max();
  probe_ = environment_.start_probe(plan_.request,
                                    [this](const ProbeOutcome& outcome) { take(outcome); });
}

/// A loop that stood still for a good part of the time that the backend had may have cost it its
/// answer. One that is late now and then may not: on a busy host nothing would ever be found.
bool Prober::is_our_fault(Reason reason) const {
  constexpr int kGoodPart = 4;
  const bool is_late = reason == Reason::kTimeout || reason == Reason::kConnectionClosed;
  return is_late && (lag_.total() - lag_before_) * kGoodPart > plan_.request.timeout;
}

void Prober::take(ProbeOutcome outcome) {
  probe_.reset();
  if (is_our_fault(outcome.reason)) {
    outcome.reason = Reason::kLocalFault;
    outcome.detail = "our own event loop was late";
  }
  log_failure(plan_.request, outcome);
  for (Subject* subject : subjects_) subject->take(outcome);
  wait_until(std::max(started_ + interval(), environment_.now()));
}

std::chrono::nanoseconds Prober::interval() {
  const bool is_changing =
      std::any_of(subjects_.begin(), subjects_.end(),
                  [](const Subject* subject) { return subject->is_changing(); });
  const std::chrono::duration<double, std::milli> base =
      is_changing ? plan_.fast_interval : plan_.interval;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      base * (1 + plan_.jitter_percent / 100.0 * environment_.chance()));
}

}  // namespace guideway::health
