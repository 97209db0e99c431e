// SPDX-License-Identifier: Apache-2.0
#include "lag_meter.h"

namespace guideway::health {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBeat{100};
constexpr milliseconds kAllowed{100};

}  // namespace

LagMeter::LagMeter(Environment& environment)
    : environment_(environment), timer_(environment.make_timer()) {}

void LagMeter::start() {
  if (runs_) return;
  runs_ = true;
  beat();
}

void LagMeter::stop() {
  runs_ = false;
  timer_->cancel();
}

void LagMeter::beat() {
  due_ = environment_.now() + kBeat;
  timer_->call_at(due_, [this] {
    total_ += overdue();
    beat();
  });
}

Environment::Time::duration LagMeter::overdue() const {
  const auto late = environment_.now() - due_;
  return runs_ && late > kAllowed ? late : Environment::Time::duration(0);
}

/// The beat that is due may come after the question.
Environment::Time::duration LagMeter::total() const { return total_ + overdue(); }

}  // namespace guideway::health
