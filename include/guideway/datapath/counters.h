// SPDX-License-Identifier: Apache-2.0
// Counters that a worker or the XDP program goes on writing: read, added up, and taken off.
// Threading: `live` may be written meanwhile; each number is whole.
#ifndef GUIDEWAY_DATAPATH_COUNTERS_H_
#define GUIDEWAY_DATAPATH_COUNTERS_H_

#include <cstdint>

#include "guideway/core/layout.h"

namespace guideway::datapath {

/// In the order in which they are written: packets_in first. (Each read is an acquire, so that what
/// the caller reads next is read after it.)
gw_counters read_counters(const gw_counters& live);
gw_traffic read_traffic(const gw_traffic& live);

/// What packets_in is between two packets.
std::uint64_t sum_of_reasons(const gw_counters& counters);

void add(gw_counters& sum, const gw_counters& more);
void add(gw_traffic& sum, const gw_traffic& more);
/// Not below 0: a writer that takes a count back (gw_recount) can be below what was seen before.
void subtract(gw_traffic& from, const gw_traffic& what);

}  // namespace guideway::datapath

#endif  // GUIDEWAY_DATAPATH_COUNTERS_H_
