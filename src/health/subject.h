// SPDX-License-Identifier: Apache-2.0
// Subject: one backend of one pool, and what its pool makes of the probes' outcomes. Several may
// listen to one prober.
// Threading: the event loop's.
#ifndef GUIDEWAY_HEALTH_SUBJECT_H_
#define GUIDEWAY_HEALTH_SUBJECT_H_

#include <string>
#include <utility>

#include "guideway/health/checker.h"
#include "guideway/health/environment.h"
#include "guideway/health/flap_damper.h"
#include "guideway/health/judge.h"

namespace guideway::health {

class Subject {
 public:
  /// All outlive it.
  Subject(Environment& environment, model::BackendKey key, Verdict verdict,
          const Checker::OnChange& on_change);

  /// What it is judged by from now on; it goes on with its verdict.
  void follow(const std::string& name, const model::HealthCheck& check);
  void take(const ProbeOutcome& outcome);
  const Verdict& verdict() const { return verdict_; }
  /// The last outcome speaks against the state, or there is no state yet. What is held has nothing
  /// to wait for but its time.
  bool is_changing() const { return judge_.is_changing() && !is_held_; }

 private:
  void change_to(State state, const ProbeOutcome& outcome);

  Environment& environment_;
  model::BackendKey key_;
  std::string name_;
  Judge judge_;
  FlapDamper damper_;
  /// What a fault of our own hides, until a probe counts again.
  std::pair<Reason, std::string> hidden_{Reason::kNone, ""};
  bool is_held_ = false;  // it has succeeded often enough, but is not to go up yet
  Verdict verdict_;
  const Checker::OnChange& on_change_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_SUBJECT_H_
