// SPDX-License-Identifier: Apache-2.0
#include "guideway/health/flap_damper.h"

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
  const Duration hold = next_hold();
  held_until_ = now + hold;
  return hold;
}

void FlapDamper::retime(Duration first, Duration longest) {
  if (first == first_ && longest == longest_) return;
  *this = FlapDamper(first, longest);
}

}  // namespace guideway::health
