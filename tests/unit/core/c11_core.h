// SPDX-License-Identifier: Apache-2.0
// The core compiled as C11, for a test that it does there what it does as C++20.
// Threading: no state.
#ifndef GUIDEWAY_TESTS_UNIT_CORE_C11_CORE_H_
#define GUIDEWAY_TESTS_UNIT_CORE_C11_CORE_H_

#include "guideway/core/port_native.h"
// After the port header.
#include "guideway/core/balance.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gw_outcome c11_balance(const struct gw_port *port, struct gw_packet *packet, uint32_t now_s);
uint64_t c11_flow_swept(uint64_t word, uint32_t now_s, uint32_t idle_timeout_s, int reset);
struct gw_hash_key c11_hash_expand(const uint8_t seed[16]);
/* Sizes of struct gw_work, gw_outcome and gw_counters as C sees them. */
void c11_sizes(size_t sizes[3]);

#ifdef __cplusplus
}
#endif

#endif  // GUIDEWAY_TESTS_UNIT_CORE_C11_CORE_H_
