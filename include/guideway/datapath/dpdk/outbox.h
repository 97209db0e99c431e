// SPDX-License-Identifier: Apache-2.0
// The outbox of an interface: what threads without a transmit queue of their own want sent there
// (the host's frames, and workers beyond the device's queues). Worker 0 sends it.
// Threading: as Ring with many producers.
#ifndef GUIDEWAY_DATAPATH_DPDK_OUTBOX_H_
#define GUIDEWAY_DATAPATH_DPDK_OUTBOX_H_

#include <cstddef>
#include <string>

#include "guideway/datapath/dpdk/ring.h"

namespace guideway::datapath::dpdk {

inline constexpr unsigned kOutboxLength = 1024;

/// `interface`: its place in the configuration.
inline Result<Ring> make_outbox(std::size_t interface) {
  return Ring::make("gw-out-" + std::to_string(interface), kOutboxLength, Ring::Producers::kMany);
}

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_OUTBOX_H_
