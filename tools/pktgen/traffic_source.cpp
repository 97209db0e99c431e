// SPDX-License-Identifier: Apache-2.0
#include "traffic_source.h"

namespace guideway::pktgen {

TrafficSource::TrafficSource(const TrafficPattern& pattern, std::optional<double> zipf,
                             std::uint64_t seed)
    : pattern_(pattern) {
  const std::uint32_t flows = pattern_.established_flows();
  if (!zipf || flows == 0) return;
  zipf_.emplace(flows, *zipf, seed);
  sent_.resize(flows);
}

Step TrafficSource::next() {
  Step step = pattern_.step(number_++);
  // When an established flow sends data, all of them have sent their SYN.
  if (!zipf_ || step.flags == kSyn || step.mark.flow >= sent_.size()) return step;
  step.mark.flow = zipf_->next();
  step.mark.sequence = ++sent_[step.mark.flow];
  return step;
}

}  // namespace guideway::pktgen
