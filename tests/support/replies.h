// SPDX-License-Identifier: Apache-2.0
// How many packets were answered by the director itself: a worker or program sends an answer as it
// sends any packet, and what tells it apart is its reason. Threading: a function of its argument.
#ifndef GUIDEWAY_TESTS_SUPPORT_REPLIES_H_
#define GUIDEWAY_TESTS_SUPPORT_REPLIES_H_

#include <cstdint>

#include "guideway/core/layout.h"

namespace guideway::test {

inline std::uint64_t replies_in(const gw_counters& counters) {
  std::uint64_t sum = 0;
  for (int i = 0; i < GW_REASON_COUNT; i++) {
    if (gw_reason_verdict(static_cast<gw_reason>(i)) == GW_REPLY) sum += counters.reasons[i];
  }
  return sum;
}

}  // namespace guideway::test

#endif  // GUIDEWAY_TESTS_SUPPORT_REPLIES_H_
