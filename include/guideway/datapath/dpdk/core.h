// SPDX-License-Identifier: Apache-2.0
// The shared core as this datapath includes it: with the user-space port layer, which must come
// first, and with the casts of C, which our own C++ does not use.
// Threading: no state.
#ifndef GUIDEWAY_DATAPATH_DPDK_CORE_H_
#define GUIDEWAY_DATAPATH_DPDK_CORE_H_

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"

#include "guideway/core/port_native.h"
// First the port layer, then what uses it.
#include "guideway/core/balance_burst.h"

#pragma GCC diagnostic pop

#endif  // GUIDEWAY_DATAPATH_DPDK_CORE_H_
