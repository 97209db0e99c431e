// SPDX-License-Identifier: Apache-2.0
// Environment: what the health checks need of the world: time, timers, chance and probes. The
// daemon's is LoopEnvironment; tests have one whose clock they turn themselves.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_ENVIRONMENT_H_
#define GUIDEWAY_HEALTH_ENVIRONMENT_H_

#include <chrono>
#include <functional>
#include <memory>

#include "guideway/health/probe.h"

namespace guideway::health {

class Environment {
 public:
  using Time = std::chrono::steady_clock::time_point;

  class Timer {
   public:
    /// As cancel().
    virtual ~Timer() = default;
    /// In place of what was to be called before. `call` may destroy the timer.
    virtual void call_at(Time when, std::function<void()> call) = 0;
    virtual void cancel() = 0;
  };

  virtual ~Environment() = default;
  virtual Time now() const = 0;
  virtual std::chrono::system_clock::time_point wall_clock() const = 0;
  virtual std::unique_ptr<Timer> make_timer() = 0;
  /// As Probe::start().
  virtual std::shared_ptr<Probe> start_probe(const ProbeRequest& request, Probe::Done done) = 0;
  /// -1 to 1, evenly.
  virtual double chance() = 0;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_ENVIRONMENT_H_
