/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What backends of pools with snat = false send to clients, and what routers say of what went there
 * under the client's address: packets for addresses that are none of Guideway's. Asked for what
 * would be the kernel's, if there are such pools; what belongs to no flow still is the kernel's, as
 * the backends' other traffic, which comes here because their routes do.
 * Threading: as nat_table.h. */
#ifndef GUIDEWAY_CORE_NAT_RETURN_H_
#define GUIDEWAY_CORE_NAT_RETURN_H_

#include "guideway/core/mss.h"
#include "guideway/core/nat.h"
#include "guideway/core/outcome.h"

/* Whether gw_nat_return() is to be asked. REQUIRES: reason is not GW_GO_ON. */
GW_INLINE int gw_may_be_returned(const struct gw_port *port, enum gw_reason reason) {
  return (reason == GW_REASON_NO_SERVICE || reason == GW_REASON_OTHER_PROTOCOL) &&
         (gw_port_state(port)->flags & GW_STATE_NAT_KEEPS) != 0;
}

/* The flow of *w, which looks like a backend's packet to a client: what it becomes. */
GW_INLINE enum gw_reason gw_nat_find_return(const struct gw_port *port, const struct gw_work *w,
                                            struct gw_nat_query *query,
                                            struct gw_nat_answer *answer,
                                            struct gw_nat_rewrite *to) {
  const struct gw_service *planes = gw_nat_kept_planes(port, w->family);
  if (!planes || w->ports == 0) return GW_REASON_NAT_NO_FLOW;
  gw_nat_ask_kept(port, w, query);
  uint32_t turn = gw_nat_turn_of(query->hash, planes->nat_address_count);
  query->address = planes->nat_addresses[gw_opaque(turn) & (GW_NAT_POOL_ADDRESSES - 1)];
  uint32_t place = gw_nat_find_kept(gw_port_give(port), query);
  if (place == GW_NAT_NO_PLACE) return GW_REASON_NAT_NO_FLOW;
  enum gw_reason reason = gw_nat_read_answer(port, w, place, query->now_s, answer, to);
  /* The place is not the client's port here: another flow may have got it since it was found. */
  if (reason == GW_GO_ON &&
      (to->destination[0] != gw_load64(w->destination) ||
       to->destination[1] != gw_load64(w->destination + 2) || to->ports >> 16 != w->ports >> 16))
    return GW_REASON_NAT_NO_FLOW;
  return reason;
}

/* A packet that is for no service, from gw_parse() to its end. If it is one of a flow, sends it on
 * and counts it, and returns the outcome as gw_pack() makes it; else its reason is w->reason, and
 * nothing has changed. */
GW_APART uint64_t gw_nat_return(gw_frame *frame, gw_port_token token, struct gw_work *w,
                                uint32_t now_s) {
  struct gw_packet packet_again;
  struct gw_port port_again;
  struct gw_nat_answer answer;
  if (!frame || !w) return 0;
  const uint64_t not_ours = (uint64_t)w->reason << 8;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const struct gw_port *port = gw_port_again(token, &port_again);
  GW_SCRATCH(struct gw_nat_scratch, scratch);
  if (!port || !scratch || w->ttl <= 1 || w->l4_reason != GW_GO_ON) return not_ours;
  if (w->protocol != GW_PROTO_TCP && w->protocol != GW_PROTO_UDP) return not_ours;
  scratch->query.now_s = now_s;
  if (gw_nat_find_return(port, w, &scratch->query, &answer, &scratch->to) != GW_GO_ON)
    return not_ours;
  gw_nat_touch(&answer.entry->backend_word, gw_nat_seen_of(w), now_s);
  if (w->tcp_flags & GW_TCP_SYN) gw_clamp_mss_to(packet, w, gw_nat_kept_planes(port, w->family));
  enum gw_reason reason = gw_nat_lacks_checksum(packet, w) ? GW_REASON_NAT_UDP_CHECKSUM
                                                           : gw_nat_write(packet, w, &scratch->to);
  if (reason == GW_GO_ON) reason = GW_REASON_NAT_RETURNED;
  struct gw_outcome outcome = gw_count(
      port, reason, w->frame_length, (uint16_t)answer.interface_index, (uint16_t)answer.backend, 0);
  return gw_pack(&outcome);
}

#endif /* GUIDEWAY_CORE_NAT_RETURN_H_ */
