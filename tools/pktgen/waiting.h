// SPDX-License-Identifier: Apache-2.0
// Waiting: what the sending and the receiving thread do when there is nothing to do. On CPUs of
// their own they spin; else they sleep, so that they do not starve a load balancer on the same
// machine.
// Threading: no state.
#ifndef GUIDEWAY_TOOLS_PKTGEN_WAITING_H_
#define GUIDEWAY_TOOLS_PKTGEN_WAITING_H_

#include <cstdint>

namespace guideway::pktgen {

enum class Waiting : std::uint8_t { kSpin, kSleep };

/// Waits for about `wait_ns`. Spinning: at most so long; sleeping: at least 100 us. Never longer
/// than 50 ms, so that the caller sees soon that it is to stop.
void wait(Waiting waiting, std::uint64_t wait_ns);

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_WAITING_H_
