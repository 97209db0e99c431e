// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/c11_core.h"

#include "guideway/core/balance_burst.h" /* compiles as C11, too */

struct gw_outcome c11_balance(const struct gw_port *port, struct gw_packet *packet,
                              uint32_t now_s) {
  return gw_balance(port, packet, now_s);
}

uint64_t c11_flow_swept(uint64_t word, uint32_t now_s, uint32_t idle_timeout_s, int reset) {
  return gw_flow_swept(word, now_s, idle_timeout_s, reset);
}

struct gw_hash_key c11_hash_expand(const uint8_t seed[16]) {
  return gw_hash_expand(seed);
}

void c11_sizes(size_t sizes[3]) {
  sizes[0] = sizeof(struct gw_work);
  sizes[1] = sizeof(struct gw_outcome);
  sizes[2] = sizeof(struct gw_counters);
}
