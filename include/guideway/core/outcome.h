/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 7, account: every packet is counted once, under its reason, which says what is to be done
 * with it. Threading: a gw_port belongs to one thread or CPU. */
#ifndef GUIDEWAY_CORE_OUTCOME_H_
#define GUIDEWAY_CORE_OUTCOME_H_

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

/* An outcome, but for its frame_length, as a number: one in memory would cost the caller of a
 * function stack, of which a program has 512 bytes. The reason is the second byte from below. */
GW_INLINE uint64_t gw_pack(const struct gw_outcome *outcome) {
  return outcome->verdict | (uint64_t)outcome->reason << 8 |
         (uint64_t)outcome->interface_index << 16 | (uint64_t)outcome->backend << 32 |
         (uint64_t)outcome->service << 48;
}

GW_INLINE struct gw_outcome gw_unpack(uint64_t packed, uint32_t frame_length) {
  struct gw_outcome outcome = {(uint8_t)packed,          (uint8_t)(packed >> 8),
                               (uint16_t)(packed >> 16), (uint16_t)(packed >> 32),
                               (uint16_t)(packed >> 48), frame_length};
  return outcome;
}

GW_INLINE void gw_count_traffic(struct gw_traffic *traffic, uint32_t frame_length) {
  if (!traffic) return;
  gw_counter_add(&traffic->packets, 1);
  gw_counter_add(&traffic->bytes, frame_length);
}

/* Counts a packet under its reason and says what to do with it. The outcome is made of values in
 * one go: filled field by field behind a memset(), it was stored in pieces and loaded whole, which
 * cost a fifth of all time of a burst. */
GW_INLINE struct gw_outcome gw_count(const struct gw_port *port, enum gw_reason reason,
                                     uint32_t frame_length, uint16_t interface_index,
                                     uint16_t backend, uint16_t service) {
  struct gw_counters *counters = gw_port_counters(port);
  struct gw_outcome outcome = {(uint8_t)gw_reason_verdict(reason),
                               (uint8_t)reason,
                               interface_index,
                               backend,
                               service,
                               frame_length};
  gw_counter_add(&counters->packets_in, 1);
  gw_counter_add(&counters->bytes_in, frame_length);
  gw_counter_add(&counters->reasons[reason], 1);
  if (GW_LIKELY(reason == GW_REASON_FORWARDED)) {
    gw_count_traffic(gw_port_backend_traffic(port, backend), frame_length);
    gw_count_traffic(gw_port_service_traffic(port, service), frame_length);
  }
  return outcome;
}

/* The same of a packet whose way was that of *w. */
GW_INLINE struct gw_outcome gw_account(const struct gw_port *port, const struct gw_work *w,
                                       enum gw_reason reason) {
  if (GW_LIKELY(reason == GW_REASON_FORWARDED))
    return gw_count(port, GW_REASON_FORWARDED, w->frame_length, w->record->interface_index,
                    w->backend, w->service->id);
  return gw_count(port, reason, w->frame_length, 0, w->backend, 0);
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

/* The opposite: a packet that was counted under another reason leaves after all, for the backend
 * and service that *outcome names. Returns what it becomes; `interface_index`: where it leaves. */
GW_INLINE struct gw_outcome gw_recount_forwarded(const struct gw_port *port,
                                                 const struct gw_outcome *outcome,
                                                 uint16_t interface_index) {
  struct gw_counters *counters = gw_port_counters(port);
  struct gw_outcome forwarded = *outcome;
  forwarded.verdict = GW_FORWARD;
  forwarded.reason = GW_REASON_FORWARDED;
  forwarded.interface_index = interface_index;
  gw_counter_add(&counters->reasons[outcome->reason], (uint64_t)-1);
  gw_counter_add(&counters->reasons[GW_REASON_FORWARDED], 1);
  gw_count_traffic(gw_port_backend_traffic(port, outcome->backend), outcome->frame_length);
  gw_count_traffic(gw_port_service_traffic(port, outcome->service), outcome->frame_length);
  return forwarded;
}

#endif /* GUIDEWAY_CORE_OUTCOME_H_ */
