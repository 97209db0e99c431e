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
    if (environment_.now() > due_ + kAllowed) last_lag_ = environment_.now();
    beat();
  });
}

bool LagMeter::lagged_since(Environment::Time since) const {
  // The beat that is due may come after the question.
  const bool lags_now = runs_ && environment_.now() > due_ + kAllowed;
  return lags_now || (last_lag_ != Environment::Time{} && last_lag_ >= since);
}

}  // namespace guideway::health
