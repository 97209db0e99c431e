// SPDX-License-Identifier: Apache-2.0
// Prober: probes one place in one way at one pace, and tells all subjects that want to know. A
// probe never overlaps the next one.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_PROBER_H_
#define GUIDEWAY_HEALTH_PROBER_H_

#include <chrono>
#include <memory>
#include <vector>

#include "guideway/health/environment.h"
#include "lag_meter.h"
#include "subject.h"

namespace guideway::health {

class Prober {
 public:
  /// What must be alike for two subjects to share probes.
  struct Plan {
    ProbeRequest request;
    std::chrono::milliseconds interval{0};
    /// While a subject is changing.
    std::chrono::milliseconds fast_interval{0};
    /// Of either.
    std::uint32_t jitter_percent = 0;
    friend auto operator<=>(const Plan&, const Plan&) = default;
  };

  /// All outlive it.
  Prober(Environment& environment, const LagMeter& lag, Plan plan);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// The next probe goes out after `delay` at the latest.
  void add(Subject& subject, std::chrono::milliseconds delay);
  void remove(const Subject& subject);
  bool is_idle() const { return subjects_.empty(); }

 private:
  void wait_until(Environment::Time when);
  void probe();
  void take(ProbeOutcome outcome);
  bool is_our_fault(Reason reason) const;
  std::chrono::nanoseconds interval();

  Environment& environment_;
  const LagMeter& lag_;
  Plan plan_;
  std::vector<Subject*> subjects_;
  std::unique_ptr<Environment::Timer> timer_;
  /// Of the probe that is to come.
  Environment::Time due_ = Environment::Time::max();
  Environment::Time started_{};
  Environment::Time::duration lag_before_{0};
  std::shared_ptr<Probe> probe_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_PROBER_H_
