/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Second thoughts about a packet that would be dropped: an ICMP error tells its sender why, an echo
 * request is answered, an ICMP error of somebody else is sent on to the backend that it is about.
 *
 *   GW_REASON_ICMP_LIMITED   an echo request          icmp_echo.h
 *   GW_REASON_ICMP_ERROR     somebody's ICMP error    icmp_pass.h, nat_icmp.h
 *   GW_REASON_TTL_EXPIRED    a service's packet       icmp_send.h
 *   GW_REASON_MTU_EXCEEDED   likewise                 icmp_send.h
 *   GW_REASON_NO_SERVICE     a backend's to a client  nat_return.h, if some pool has snat = false
 *   GW_REASON_OTHER_PROTOCOL an ICMP error likewise   nat_icmp.h
 *
 * For one packet in very many: a function apart from the others', that parses anew rather than have
 * them keep anything for it, and counts the packet itself. The verifier walks it once, by itself.
 * Threading: as gw_balance(). */
#ifndef GUIDEWAY_CORE_RESPOND_H_
#define GUIDEWAY_CORE_RESPOND_H_

#include "guideway/core/icmp_echo.h"
#include "guideway/core/icmp_pass.h"
#include "guideway/core/icmp_send.h"
#include "guideway/core/nat_icmp.h"
#include "guideway/core/nat_return.h"
#include "guideway/core/outcome.h"
#include "guideway/core/parse.h"

/* Whether gw_respond() is to be asked. */
GW_INLINE int gw_may_respond(const struct gw_port *port, enum gw_reason reason) {
  return reason == GW_REASON_TTL_EXPIRED || reason == GW_REASON_MTU_EXCEEDED ||
         gw_is_icmp(reason) || gw_may_be_returned(port, reason);
}

/* Fills *w as parsing did, and keeps the backend that it names. */
GW_COLD void gw_parse_anew(const struct gw_packet *packet, struct gw_work *w) {
  uint16_t backend = w->backend;
  gw_parse_any(gw_packet_data(packet), gw_packet_end(packet), w);
  w->backend = backend;
}

/* What becomes of the packet instead. */
GW_INLINE enum gw_reason gw_think_again(const struct gw_port *port, struct gw_packet *packet,
                                        struct gw_work *w, enum gw_reason reason, uint32_t now_s) {
  if (reason == GW_REASON_ICMP_LIMITED) return gw_answer_echo(port, packet, w, now_s);
  if (reason == GW_REASON_ICMP_ERROR) return gw_pass_icmp_error(port, packet, w, now_s);
  if (reason == GW_REASON_TTL_EXPIRED) return gw_send_time_exceeded(port, packet, w, now_s);
  return gw_send_too_big(port, packet, w, now_s);
}

/* gw_respond() behind the call. Returns the outcome as gw_pack() makes it. */
GW_COLD uint64_t gw_respond_apart(const struct gw_port *port, struct gw_packet *packet,
                                  struct gw_work *w, uint32_t now_s) {
  enum gw_reason reason = (enum gw_reason)w->reason;
  gw_parse_anew(packet, w);
  reason = gw_think_again(port, packet, w, reason, now_s);
  struct gw_outcome outcome = gw_account(port, w, reason);
  return gw_pack(&outcome);
}

/* Whether *w may be an ICMP error: for a VIP, or for a client, and not a fragment of one. */
GW_INLINE int gw_may_quote_nat(const struct gw_work *w, enum gw_reason reason) {
  uint32_t protocol = w->family == GW_FAMILY_4 ? GW_PROTO_ICMP : GW_PROTO_ICMPV6;
  return reason == GW_REASON_ICMP_ERROR ||
         (reason == GW_REASON_OTHER_PROTOCOL && w->protocol == protocol && w->l4_offset != 0);
}

/* What NAT makes of the packet, if there is NAT: as gw_pack() has it, with the reason that it had
 * for nothing. */
GW_INLINE uint64_t gw_respond_by_nat(const struct gw_port *port, struct gw_packet *packet,
                                     struct gw_work *w, enum gw_reason reason, uint32_t now_s) {
  if (gw_port_state(port)->nat_address_count == 0) return (uint64_t)reason << 8;
  gw_work_complete(w);
  w->hash = 0;
  w->buckets[0] = NULL;
  w->reason = (uint8_t)reason;
  gw_frame *frame = gw_packet_frame(packet);
  if (gw_may_quote_nat(w, reason))
    return gw_nat_pass_icmp_error(frame, gw_port_to_token(port), w, now_s);
  if (reason == GW_REASON_NO_SERVICE) return gw_nat_return(frame, gw_port_to_token(port), w, now_s);
  return (uint64_t)reason << 8;
}

/* Does what can be done for the packet, and counts it. *w serves as paper: it is filled anew.
 * REQUIRES: gw_may_respond(), and the packet is as it came. */
GW_INLINE struct gw_outcome gw_respond(const struct gw_port *port, struct gw_packet *packet,
                                       struct gw_work *w, enum gw_reason reason, uint32_t now_s) {
  uint32_t frame_length = w->frame_length;
  uint64_t packed = gw_respond_by_nat(port, packet, w, reason, now_s);
  if ((uint8_t)(packed >> 8) == (uint8_t)reason) {
    if (gw_reason_verdict(reason) == GW_KERNEL)
      return gw_count(port, reason, frame_length, 0, GW_NO_BACKEND, 0);
    w->reason = (uint8_t)reason;
    packed = gw_respond_apart(port, packet, w, now_s);
  }
  return gw_unpack(packed, frame_length);
}

#endif /* GUIDEWAY_CORE_RESPOND_H_ */
