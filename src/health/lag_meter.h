// SPDX-License-Identifier: Apache-2.0
// LagMeter: whether the event loop was late. Then probes may have failed by our own fault.
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
  /// Whether the loop has stood still for longer than 100 ms at a time, at some time since then.
  bool lagged_since(Environment::Time since) const;

 private:
  void beat();

  Environment& environment_;
  std::unique_ptr<Environment::Timer> timer_;
  bool runs_ = false;
  Environment::Time due_{};
  Environment::Time last_lag_{};
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_LAG_METER_H_
