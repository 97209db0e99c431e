// SPDX-License-Identifier: Apache-2.0
// FlapDamper: a backend that keeps going up and down moves flows each time. From its second failure
// on it is held down for a while: `first`, then twice as long each time, up to `longest`. Once it
// has been up for `longest` without a break, all is forgotten.
// Threading: a value.
// Source: RFC 2439 (route flap damping), whose penalty this is in its simplest form.
#ifndef GUIDEWAY_HEALTH_FLAP_DAMPER_H_
#define GUIDEWAY_HEALTH_FLAP_DAMPER_H_

#include <chrono>
#include <cstdint>

namespace guideway::health {

class FlapDamper {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  /// `first` 0: never holds.
  FlapDamper(Duration first, Duration longest) : first_(first), longest_(longest) {}

  /// How long it is held from now on.
  Duration went_down(Time now);
  void went_up(Time now) { up_since_ = now; }
  bool may_go_up(Time now) const { return now >= down_since_ + hold_; }
  /// Failures that count.
  std::uint32_t failures() const { return failures_; }
  /// How long the last failure's hold is, from that failure on.
  Duration hold() const { return hold_; }
  /// With other times from now on; failures still count. A hold becomes no longer; with a shorter
  /// `first` it is that long at most.
  void retime(Duration first, Duration longest);

 private:
  Duration next_hold() const;

  Duration first_;
  Duration longest_;
  std::uint32_t failures_ = 0;
  Time up_since_{};
  Time down_since_{};
  Duration hold_{};
};

}  // namespace guideway::health

#endif  // GUIDEWAY_HEALTH_FLAP_DAMPER_H_
