// SPDX-License-Identifier: Apache-2.0
// VirtualEnvironment: health checks under a clock that the test turns. A probe's outcome is what
// the test says at the time when the probe ends.
// Threading: one thread.
#ifndef GUIDEWAY_TESTS_UNIT_HEALTH_VIRTUAL_ENVIRONMENT_H_
#define GUIDEWAY_TESTS_UNIT_HEALTH_VIRTUAL_ENVIRONMENT_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "guideway/health/environment.h"

namespace guideway::health {

class VirtualEnvironment : public Environment {
 public:
  using Duration = std::chrono::milliseconds;
  /// What a probe that starts now will come to, and how long that takes.
  using Answer = std::function<std::pair<ProbeOutcome, Duration>(const ProbeRequest&, Time now)>;

  explicit VirtualEnvironment(Answer answer) : answer_(std::move(answer)) {}

  Time now() const override { return now_; }
  std::chrono::system_clock::time_point wall_clock() const override {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch()));
  }
  std::unique_ptr<Timer> make_timer() override { return std::make_unique<VirtualTimer>(*this); }
  std::shared_ptr<Probe> start_probe(const ProbeRequest& request, Probe::Done done) override {
    starts.emplace_back(now_, request);
    auto [outcome, took] = answer_(request, now_);
    outcome.latency = took;
    auto probe = std::make_shared<VirtualProbe>(*this);
    probe->timer.call_at(now_ + took,
                         [done = std::move(done), outcome = outcome] { done(outcome); });
    return probe;
  }
  double chance() override { return jitter; }

  /// Lets time pass, and everything in it happen.
  void pass(Duration time) {
    const Time end = now_ + time;
    while (!calls_.empty() && calls_.begin()->first.first <= end) {
      now_ = std::max(now_, calls_.begin()->first.first);
      const auto call = std::move(calls_.begin()->second);
      calls_.erase(calls_.begin());
      call();
    }
    now_ = std::max(now_, end);
  }
  /// The loop stands still: time passes, and nothing happens.
  void stall(Duration time) { now_ += time; }

  double jitter = 0;
  std::vector<std::pair<Time, ProbeRequest>> starts;

 private:
  using Slot = std::pair<Time, std::uint64_t>;

  struct VirtualTimer : Timer {
    explicit VirtualTimer(VirtualEnvironment& world) : environment(world) {}
    ~VirtualTimer() override { cancel(); }
    void call_at(Time when, std::function<void()> call) override {
      cancel();
      slot = {when, ++environment.count_};
      environment.calls_.emplace(slot, std::move(call));
    }
    void cancel() override { environment.calls_.erase(slot); }

    VirtualEnvironment& environment;
    Slot slot{};
  };
  struct VirtualProbe : Probe {
    explicit VirtualProbe(VirtualEnvironment& world) : timer(world) {}
    void cancel() override { timer.cancel(); }
    VirtualTimer timer;
  };

  Answer answer_;
  Time now_{std::chrono::hours(1)};
  std::uint64_t count_ = 0;
  std::map<Slot, std::function<void()>> calls_;
};

}  // namespace guideway::health

#endif  // GUIDEWAY_TESTS_UNIT_HEALTH_VIRTUAL_ENVIRONMENT_H_
