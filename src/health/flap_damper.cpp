// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/flap_damper.h"

#include <algorithm>

namespace guideway::health {

FlapDamper::Duration FlapDamper::next_hold() const {
  if (first_ == Duration(0) || failures_ < 2) return Duration(0);
  Duration hold = first_;
  for (std::uint32_t i = 2; i < failures_ && hold < longest_; ++i) hold *= 2;
  return hold < longest_ ? hold : longest_;
}

FlapDamper::Duration FlapDamper::went_down(Time now) {
  if (failures_ != 0 && now - up_since_ >= longest_) failures_ = 0;
  ++failures_;
  down_since_ = now;
  hold_ = next_hold();
  return hold_;
}

void FlapDamper::retime(Duration first, Duration longest) {
  if (first < first_) hold_ = std::min(hold_, first);
  first_ = first;
  longest_ = longest;
  hold_ = std::min(hold_, next_hold());
}

}  // namespace guideway::health
