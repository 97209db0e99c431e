// SPDX-License-Identifier: Apache-2.0
// Checker: probes the backends of all pools that have a health check and a service, each in its own
// interval, and keeps a verdict for each. Where several pools check the same thing in the same way,
// there is one probe for all; each pool judges its outcome by thresholds of its own.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_CHECKER_H_
#define GUIDEWAY_HEALTH_CHECKER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "guideway/health/environment.h"
#include "guideway/health/verdict.h"
#include "guideway/model/model.h"

namespace guideway::health {

/// A backend's state has changed.
struct Change {
  model::BackendKey backend;
  std::string name;
  State from = State::kInitial;
  Verdict now;
  /// Probes in a row that led to it.
  std::uint32_t probes = 0;
  /// It has failed too often, and will be unhealthy for so long at least; 0: not held.
  std::chrono::milliseconds hold{0};
};

class Checker {
 public:
  /// Must not call the checker back, but for verdicts().
  using OnChange = std::function<void(const Change&)>;

  /// `environment` outlives it.
  Checker(Environment& environment, OnChange on_change);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  /// What is known from before the first follow(): those backends start with that verdict.
  void remember(Verdicts verdicts);
  /// Probes what this model wants probed from now on. Backends that stay keep their verdict; those
  /// of the first call that nothing is remembered of are presumed good.
  void follow(const model::Model& model);

  Verdicts verdicts() const;
  /// Of one backend, until the next call of anything else; null: it is not probed.
  const Verdict* verdict(const model::BackendKey& backend) const;

  /// Probes that go on at the same time, at most.
  std::size_t prober_count() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_CHECKER_H_
