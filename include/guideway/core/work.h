/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the stages of the pipeline tell each other about one packet.
 * Threading: belongs to the packet. */
#ifndef GUIDEWAY_CORE_WORK_H_
#define GUIDEWAY_CORE_WORK_H_

#include "guideway/core/layout.h"
#include "guideway/core/reasons.h"

/* What a stage returns for "go on with the next one". */
#define GW_GO_ON GW_REASON_FORWARDED

enum gw_tcp_flags {
  GW_TCP_FIN = 0x01,
  GW_TCP_SYN = 0x02,
  GW_TCP_RST = 0x04,
  GW_TCP_ACK = 0x10,
};

struct gw_work {
  /* parse. Addresses and ports as loaded; IPv4 uses the first word of each address, the rest is 0.
   * Addresses are stored and looked up by 8 bytes: a load that spans two stores would have to wait
   * until both have left the store buffer. */
  uint32_t source[4];
  uint32_t destination[4];
  uint32_t ports; /* source port in the low half */
  uint32_t frame_length;
  uint32_t ip_length; /* header and payload */
  uint8_t ttl;
  uint8_t protocol;
  uint8_t traffic_class; /* DSCP and ECN */
  uint8_t tcp_flags;     /* 0 for UDP */

  /* These eight bytes are the same for nearly all packets: one store (GW_PLACES). */
  uint16_t l3_offset; /* 14, 18 or 22 */
  uint16_t l4_offset;
  uint8_t family;    /* 0 until an IP header was seen */
  uint8_t l4_reason; /* enum gw_reason: what is wrong with the L4 header, or GW_GO_ON */
  uint16_t backend;  /* the outcome: id, or GW_NO_BACKEND */

  uint8_t tracked; /* what gw_insert_flow() said: it found room (1) */

  /* Of a burst, between its passes. */
  uint8_t reason; /* enum gw_reason */
  uint16_t match; /* bit i: way i of the first bucket had our tag when it was prefetched */
  uint32_t slot;  /* if match is 0: the backend of the flow's slot, or GW_NO_BACKEND */

  /* find service */
  const struct gw_service *service;

  /* find flow, schedule */
  uint64_t hash;
  struct gw_flow_bucket *buckets[2];
  uint64_t *entry; /* our own entry: hit, or stale and to be replaced; else null */
  uint64_t word;   /* what it held */
  const struct gw_backend *record;
};

GW_STATIC_ASSERT(offsetof(struct gw_work, l3_offset) % 8 == 0, "stored by eight bytes");

/* Zero for all that is read before a stage has set it. */
GW_INLINE void gw_work_start(struct gw_work *w) {
  __builtin_memset(w, 0, offsetof(struct gw_work, hash));
}

/* Clears the rest but for what gw_locate_flow() sets: a function that is verified by itself is
 * given a *w of which all has been written. */
GW_INLINE void gw_work_complete(struct gw_work *w) {
  w->tracked = w->reason = 0;
  w->match = 0;
  w->slot = 0;
  w->buckets[1] = NULL;
  w->entry = NULL;
  w->word = 0;
  w->record = NULL;
}

#endif /* GUIDEWAY_CORE_WORK_H_ */
