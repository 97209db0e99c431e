// SPDX-License-Identifier: Apache-2.0
// LagMeter: how late the event loop is. Then probes may fail by our own fault.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_LAG_METER_H_
#define GUIDEWAY_HEALTH_LAG_METER_H_

#include <memory>

#include "guideway/health/environment.h"

namespace guideway::health {

class LagMeter {
 public:
  explicit LagMeter(Environment& environment);

  void start();
  void stop();
  /// For how long the loop has stood still since it was started, in stretches of 100 ms or more.
  Environment::Time::duration total() const;

 private:
  void beat();
  Environment::Time::duration overdue() const;

  Environment& environment_;
  std::unique_ptr<Environment::Timer> timer_;
  bool runs_ = false;
  Environment::Time due_{};
  Environment::Time::duration total_{0};
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_LAG_METER_H_
