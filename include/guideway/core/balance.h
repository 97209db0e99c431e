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
#include "guideway/core/mss.h"
#include "guideway/core/nat.h"
#include "guideway/core/outcome.h"
#include "guideway/core/parse.h"
#include "guideway/core/reset.h"
#include "guideway/core/respond.h"
#include "guideway/core/rewrite.h"
#include "guideway/core/schedule.h"
#include "guideway/core/service.h"
#include "guideway/core/toa.h"
#include "guideway/core/work.h"

/* First half, behind the parser. */
GW_INLINE enum gw_reason gw_classify_parsed(const struct gw_port *port, struct gw_work *w,
                                            enum gw_reason reason,
                                            const struct gw_service *likely) {
  if (likely && reason == GW_GO_ON && gw_service_serves(likely, w))
    w->service = likely;
  else
    reason = gw_find_service(port, w, reason);
  if (reason == GW_GO_ON) reason = gw_admit(w);
  if (reason == GW_GO_ON) reason = gw_locate_flow(port, w);
  return reason;
}

/* First half: whose packet, and where would its flow be? Nothing is written. `likely`: a service
 * that it may well be for, or null. */
GW_INLINE enum gw_reason gw_classify_after(const struct gw_port *port,
                                           const struct gw_packet *packet, struct gw_work *w,
                                           const struct gw_service *likely) {
  const uint8_t *data = gw_packet_data(packet);
  const uint8_t *end = gw_packet_end(packet);
#ifdef GW_WAYS_APART
  if (gw_parse_common(data, end, w)) return gw_classify_parsed(port, w, GW_GO_ON, likely);
  if (gw_parse_common_ipv6(data, end, w)) return gw_classify_parsed(port, w, GW_GO_ON, likely);
  return gw_classify_parsed(port, w, gw_parse_any(data, end, w), likely);
#else
  return gw_classify_parsed(port, w, gw_parse(data, end, w), likely);
#endif
}

GW_INLINE enum gw_reason gw_classify(const struct gw_port *port, const struct gw_packet *packet,
                                     struct gw_work *w) {
  return gw_classify_after(port, packet, w, NULL);
}

/* Second half: to which backend, in which bytes? `ahead`: whether a burst has looked ahead
 * (gw_look_ahead()). REQUIRES: gw_classify() said GW_GO_ON. */
GW_INLINE enum gw_reason gw_forward(const struct gw_port *port, struct gw_packet *packet,
                                    struct gw_work *w, int ahead, uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  enum gw_flow_use use = gw_find_flow_from(port, w, ahead, now_s);
  if (GW_LIKELY(use == GW_FLOW_USE_HIT)) {
    gw_touch_flow(w, now_s);
    gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], 1);
  } else if (use == GW_FLOW_USE_MISS) {
    gw_counter_add(&counters->events[GW_EVENT_FLOW_MISS], 1);
    if (GW_UNLIKELY(gw_is_from_itself(w))) return GW_REASON_BAD_SOURCE;
    enum gw_reason reason = gw_schedule(port, w, ahead, now_s);
    if (reason != GW_GO_ON) return reason;
  } else {
    gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], 1);
    gw_touch_flow(w, now_s);
    if (!(w->tcp_flags & GW_TCP_RST)) return gw_make_reset(packet, w);
  }
  if (GW_UNLIKELY(w->tcp_flags & GW_TCP_SYN)) gw_clamp_mss_to(packet, w, w->service);
  return gw_rewrite(packet, w);
}

/* Whether gw_nat() goes on with it. REQUIRES: gw_classify() said GW_GO_ON. */
GW_INLINE int gw_is_for_nat(const struct gw_work *w) {
  return (w->service->flags & (GW_SERVICE_NAT | GW_SERVICE_NAT_RETURN)) != 0;
}

/* gw_nat(), which wants all of *w to have been written: so does the verifier. */
GW_INLINE uint64_t gw_translate(const struct gw_port *port, struct gw_packet *packet,
                                struct gw_work *w, uint32_t now_s) {
  gw_frame *frame = gw_packet_frame(packet);
  uint64_t *events = gw_port_counters(port)->events;
  if (w->tcp_flags & GW_TCP_SYN) gw_clamp_mss_to(packet, w, w->service);
  if ((w->service->flags & GW_SERVICE_TOA) && gw_erase_toa(frame, w->l4_offset))
    gw_counter_add(&events[GW_EVENT_TOA_ERASED], 1);
  gw_work_complete(w);
  uint64_t result = gw_nat(frame, gw_port_to_token(port), w, now_s);
  uint32_t toa_at = gw_nat_toa_at(result);
  if (toa_at == 0) return result;
  enum gw_event event = gw_add_toa(frame, w, toa_at) ? GW_EVENT_TOA_ADDED : GW_EVENT_TOA_NO_ROOM;
  gw_counter_add(&events[event], 1);
  return result;
}

/* The rest of the way of a packet of which gw_classify() said `reason`. `now_s` is the coarse
 * monotonic clock in seconds. */
GW_INLINE struct gw_outcome gw_conclude(const struct gw_port *port, struct gw_packet *packet,
                                        struct gw_work *w, enum gw_reason reason, uint32_t now_s) {
  if (GW_UNLIKELY(reason == GW_GO_ON && gw_is_for_nat(w))) {
    uint32_t frame_length = w->frame_length;
    uint64_t result = gw_translate(port, packet, w, now_s);
    reason = gw_nat_reason(result);
    w->backend = (uint16_t)(result >> 32);
    w->frame_length = frame_length;
    if (reason != GW_REASON_MTU_EXCEEDED)
      return gw_count(port, reason, frame_length, (uint16_t)(result >> 16),
                      (uint16_t)(result >> 32), (uint16_t)(result >> 48));
  } else if (GW_LIKELY(reason == GW_GO_ON)) {
    reason = gw_forward(port, packet, w, 0, now_s);
  }
  if (GW_UNLIKELY(gw_may_respond(port, reason))) return gw_respond(port, packet, w, reason, now_s);
  return gw_account(port, w, reason);
}

/* One packet, start to end: the plain twin of gw_balance_burst(). */
GW_INLINE struct gw_outcome gw_balance(const struct gw_port *port, struct gw_packet *packet,
                                       uint32_t now_s) {
  struct gw_work w;
  enum gw_reason reason = gw_classify(port, packet, &w);
  return gw_conclude(port, packet, &w, reason, now_s);
}

#endif /* GUIDEWAY_CORE_BALANCE_H_ */
