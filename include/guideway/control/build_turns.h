// SPDX-License-Identifier: Apache-2.0
// BuildTurns: what the helper thread builds next. Routes, neighbours and health must not wait
// behind what operators ask for, however much of it comes; nor must operators wait for ever while
// the network is in turmoil. So the two take turns, and a generation follows the one before after
// director.min_rebuild_interval at the earliest.
// Threading: the control thread.
#ifndef GUIDEWAY_CONTROL_BUILD_TURNS_H_
#define GUIDEWAY_CONTROL_BUILD_TURNS_H_

#include <chrono>

namespace guideway::control {

class BuildTurns {
 public:
  using Clock = std::chrono::steady_clock;

  /// How far the change that is asked for has come.
  enum class Change {
    kNone,      // there is none, or it waits for neighbours
    kToRead,    // its model is to be made; perhaps it turns out to change nothing, or to be refused
    kDryRun,    // publishes nothing, so it waits for no interval
    kToPublish  // its model is made; it brings the latest routes and health along
  };
  struct Wanted {
    bool build = false;  // for routes, neighbours or health
    Change change = Change::kNone;
  };
  enum class Next { kNothing, kLater, kBuild, kChange };

  /// Whose turn it is; the caller does it. kLater: nobody's before due().
  Next take(const Wanted& wanted, Clock::time_point now, Clock::duration interval);
  /// When the next generation may be built.
  Clock::time_point due(Clock::duration interval) const { return last_ + interval; }
  /// A generation was published, or failed late.
  void built(Clock::time_point now) { last_ = now; }

 private:
  Clock::time_point last_ = Clock::time_point::min();
  /// A change has let a build go first.
  bool gave_way_ = false;
};

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_BUILD_TURNS_H_
