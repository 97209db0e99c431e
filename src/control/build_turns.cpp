// SPDX-License-Identifier: Apache-2.0
#include "guideway/control/build_turns.h"

namespace guideway::control {

BuildTurns::Next BuildTurns::take(const Wanted& wanted, Clock::time_point now,
                                  Clock::duration interval) {
  if (!wanted.build && wanted.change == Change::kNone) return Next::kNothing;
  const bool is_due = now >= due(interval);
  const bool build = wanted.build && is_due;
  const bool change =
      wanted.change == Change::kDryRun || (wanted.change != Change::kNone && is_due);
  if (!build && !change) return Next::kLater;
  const bool change_first = gave_way_ || wanted.change == Change::kToPublish;
  const bool builds = build && !(change && change_first);
  gave_way_ = builds && change;
  return builds ? Next::kBuild : Next::kChange;
}

}  // namespace guideway::control
