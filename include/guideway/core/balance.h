/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The whole packet path on one page; read this file first.
 *
 *   parse -> find service -> admit -> locate flow | find flow -> schedule -> rewrite -> account
 *             service.h      admit.h  flow_table.h               schedule.h  rewrite.h
 *
 * The bar is where a burst pauses: everything before it needs only the packet and small tables,
 * everything after it the flow's bucket and the backend's record, which a burst prefetches
 * (balance_burst.h). XDP runs both halves one after the other. Packets of NAT services and replies
 * to NAT addresses have a second half of their own (nat.h).
 *
 * Include a port header (port_native.h, or the XDP program's) before this one.
 * Threading: a gw_port belongs to one thread or CPU. */
#ifndef GUIDEWAY_CORE_BALANCE_H_
#define GUIDEWAY_CORE_BALANCE_H_

#include "guideway/core/admit.h"
#include "guideway/core/flow_table.h"
#include "guideway/core/hash.h"
#include "guideway/core/nat.h"
#include "guideway/core/parse.h"
#include "guideway/core/reset.h"
#include "guideway/core/rewrite.h"
#include "guideway/core/schedule.h"
#include "guideway/core/service.h"
#include "guideway/core/work.h"

/* What became of a packet. */
struct gw_outcome {
  uint8_t verdict;          /* enum gw_verdict */
  uint8_t reason;           /* enum gw_reason */
  uint16_t interface_index; /* for GW_FORWARD: where to send it */
  uint16_t backend;         /* id, or GW_NO_BACKEND */
  uint16_t service;         /* id; meaningful when backend is */
  uint32_t frame_length;    /* as received */
};

/* First half: whose packet, and where would its flow be? Nothing is written. */
GW_INLINE enum gw_reason gw_classify(const struct gw_port *port, const struct gw_packet *packet,
                                     struct gw_work *w) {
  enum gw_reason reason = gw_parse(gw_packet_data(packet), gw_packet_end(packet), w);
  reason = gw_find_service(port, w, reason);
  if (reason == GW_GO_ON) reason = gw_admit(w);
  if (reason == GW_GO_ON) reason = gw_locate_flow(port, w);
  return reason;
}

/* Second half: to which backend, in which bytes? `match` as in gw_find_flow_from(). REQUIRES:
 * gw_classify() said GW_GO_ON. */
GW_INLINE enum gw_reason gw_forward(const struct gw_port *port, struct gw_packet *packet,
                                    struct gw_work *w, uint32_t match, uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  enum gw_flow_use use = gw_find_flow_from(port, w, match, now_s);
  if (GW_LIKELY(use == GW_FLOW_USE_HIT)) {
    gw_touch_flow(w, now_s);
    gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], 1);
  } else if (use == GW_FLOW_USE_MISS) {
    gw_counter_add(&counters->events[GW_EVENT_FLOW_MISS], 1);
    enum gw_reason reason = gw_schedule(port, w, now_s);
    if (reason != GW_GO_ON) return reason;
  } else {
    gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], 1);
    gw_touch_flow(w, now_s);
    if (!(w->tcp_flags & GW_TCP_RST)) return gw_make_reset(packet, w);
  }
  return gw_rewrite(packet, w);
}

GW_INLINE void gw_count_traffic(struct gw_traffic *traffic, uint32_t frame_length) {
  if (!traffic) return;
  gw_counter_add(&traffic->packets, 1);
  gw_counter_add(&traffic->bytes, frame_length);
}

/* Counts a packet that came in, and begins its outcome. */
GW_INLINE struct gw_outcome gw_count_in(struct gw_counters *counters, uint32_t frame_length,
                                        enum gw_reason reason, uint16_t backend) {
  struct gw_outcome outcome;
  __builtin_memset(&outcome, 0, sizeof outcome);
  outcome.reason = (uint8_t)reason;
  outcome.backend = backend;
  outcome.frame_length = frame_length;
  gw_counter_add(&counters->packets_in, 1);
  gw_counter_add(&counters->bytes_in, frame_length);
  return outcome;
}

/* Counts the packet under its reason and says what to do with it. */
GW_INLINE struct gw_outcome gw_account(const struct gw_port *port, const struct gw_work *w,
                                       enum gw_reason reason) {
  struct gw_counters *counters = gw_port_counters(port);
  uint32_t frame_length = w->frame_length;
  struct gw_outcome outcome = gw_count_in(counters, frame_length, reason, w->backend);
  if (GW_LIKELY(reason == GW_REASON_FORWARDED)) {
    outcome.verdict = GW_FORWARD;
    outcome.interface_index = w->record->interface_index;
    outcome.service = w->service->id;
    gw_counter_add(&counters->reasons[GW_REASON_FORWARDED], 1);
    gw_count_traffic(gw_port_backend_traffic(port, outcome.backend), frame_length);
    gw_count_traffic(gw_port_service_traffic(port, outcome.service), frame_length);
    return outcome;
  }
  outcome.verdict = (uint8_t)gw_reason_verdict(reason);
  gw_counter_add(&counters->reasons[reason], 1);
  return outcome;
}

/* The rest of the way of a packet for NAT: gw_nat() and its account. */
GW_INLINE struct gw_outcome gw_conclude_nat(const struct gw_port *port, struct gw_packet *packet,
                                            struct gw_work *w, uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  uint32_t frame_length = w->frame_length;
  w->tracked = w->reason = 0;
  w->match = 0;
  w->reserved = 0;
  w->buckets[1] = NULL; /* the verifier wants all of *w to have been written */
  w->entry = NULL;
  w->word = 0;
  w->record = NULL;
  uint64_t result = gw_nat(gw_packet_frame(packet), gw_port_to_token(port), w, now_s);
  uint32_t reason = (uint32_t)result & 0xffff;
  if (reason >= GW_REASON_COUNT) reason = GW_REASON_BAD_TABLE;
  struct gw_outcome outcome =
      gw_count_in(counters, frame_length, (enum gw_reason)reason, (uint16_t)(result >> 32));
  outcome.verdict = (uint8_t)gw_reason_verdict((enum gw_reason)reason);
  outcome.interface_index = (uint16_t)(result >> 16);
  outcome.service = (uint16_t)(result >> 48);
  gw_counter_add(&counters->reasons[reason], 1);
  if (reason != GW_REASON_FORWARDED) return outcome;
  gw_count_traffic(gw_port_backend_traffic(port, outcome.backend), frame_length);
  gw_count_traffic(gw_port_service_traffic(port, outcome.service), frame_length);
  return outcome;
}

/* Whether gw_conclude_nat() goes on with it. REQUIRES: gw_classify() said GW_GO_ON. */
GW_INLINE int gw_is_for_nat(const struct gw_work *w) {
  return (w->service->flags & (GW_SERVICE_NAT | GW_SERVICE_NAT_RETURN)) != 0;
}

/* The rest of the way of a packet of which gw_classify() said `reason`. `now_s` is the coarse
 * monotonic clock in seconds. */
GW_INLINE struct gw_outcome gw_conclude(const struct gw_port *port, struct gw_packet *packet,
                                        struct gw_work *w, enum gw_reason reason, uint32_t now_s) {
  if (GW_UNLIKELY(reason == GW_GO_ON && gw_is_for_nat(w)))
    return gw_conclude_nat(port, packet, w, now_s);
  if (GW_LIKELY(reason == GW_GO_ON)) reason = gw_forward(port, packet, w, 0, now_s);
  return gw_account(port, w, reason);
}

/* One packet, start to end: the plain twin of gw_balance_burst(). */
GW_INLINE struct gw_outcome gw_balance(const struct gw_port *port, struct gw_packet *packet,
                                       uint32_t now_s) {
  struct gw_work w;
  enum gw_reason reason = gw_classify(port, packet, &w);
  return gw_conclude(port, packet, &w, reason, now_s);
}

/* Takes back the count of a packet that could not leave after all, and counts it under `reason`
 * (GW_REASON_TX_FULL, GW_REASON_KERNEL_QUEUE_FULL). */
GW_INLINE void gw_recount(const struct gw_port *port, const struct gw_outcome *outcome,
                          enum gw_reason reason) {
  struct gw_counters *counters = gw_port_counters(port);
  gw_counter_add(&counters->reasons[outcome->reason], (uint64_t)-1);
  gw_counter_add(&counters->reasons[reason], 1);
  if (outcome->reason != GW_REASON_FORWARDED) return;
  struct gw_traffic *both[2] = {gw_port_backend_traffic(port, outcome->backend),
                                gw_port_service_traffic(port, outcome->service)};
  for (int i = 0; i < 2; i++) {
    if (!both[i]) continue;
    gw_counter_add(&both[i]->packets, (uint64_t)-1);
    gw_counter_add(&both[i]->bytes, (uint64_t) - (int64_t)outcome->frame_length);
  }
}

#endif /* GUIDEWAY_CORE_BALANCE_H_ */
