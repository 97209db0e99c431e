/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors of others, about a packet that a backend has sent from the VIP: sent on to that
 * backend, which learns of a smaller path MTU or a dead client by them. Whose they are is found by
 * the packet that they quote, with its two ends exchanged: that is how its client's packets look.
 * Nothing is written into the flow table for them. Those about translated packets are nat_icmp.h's.
 * Threading: as flow_table.h.
 * Source: RFC 792, RFC 4443 §2.4 and §3, RFC 1191, RFC 8201, RFC 5508 §7 (the quote has at least 8
 * bytes behind its IP header), RFC 5927 (attacks by forged errors). */
#ifndef GUIDEWAY_CORE_ICMP_PASS_H_
#define GUIDEWAY_CORE_ICMP_PASS_H_

#include "guideway/core/flow_table.h"
#include "guideway/core/icmp_echo.h"
#include "guideway/core/icmp_send.h"
#include "guideway/core/schedule.h"
#include "guideway/core/service.h"

enum { GW_QUOTED_PORTS = 4 }; /* the least of TCP or UDP that says whose it is */

/* Whether a backend can make use of such an error. */
GW_INLINE int gw_is_icmp_useful(uint32_t family, uint32_t type) {
  if (family == GW_FAMILY_4)
    return type == GW_ICMP_UNREACHABLE || type == GW_ICMP_TIME_EXCEEDED ||
           type == GW_ICMP_PARAMETER_PROBLEM;
  return type >= GW_ICMPV6_UNREACHABLE && type <= GW_ICMPV6_PARAMETER_PROBLEM;
}

/* The quoted IP packet at c, sent by the VIP: its other end becomes w->source. Returns the length
 * of its header, or 0 for what a service cannot have sent. */
GW_INLINE uint32_t gw_read_quoted_ipv4(const uint8_t *c, const uint8_t *end, struct gw_work *w) {
  if (c + GW_IPV4_LENGTH > end) return 0;
  uint32_t header_length = (uint32_t)(c[0] & 0x0f) * 4;
  if ((c[0] >> 4) != 4 || header_length < GW_IPV4_LENGTH) return 0;
  if (gw_swap16(gw_load16(c + 6)) & 0x1fff) return 0; /* ports are in the first fragment */
  if (gw_load32(c + 12) != w->destination[0]) return 0;
  w->protocol = c[9];
  gw_store64(w->source, gw_load32(c + 16));
  return header_length;
}

GW_INLINE uint32_t gw_read_quoted_ipv6(const uint8_t *c, const uint8_t *end, struct gw_work *w) {
  if (c + GW_IPV6_LENGTH > end) return 0;
  if ((c[0] >> 4) != 6) return 0;
  if (gw_load64(c + 8) != gw_load64(w->destination) ||
      gw_load64(c + 16) != gw_load64(w->destination + 2))
    return 0;
  w->protocol = c[6];
  gw_store64(w->source, gw_load64(c + 24));
  gw_store64(w->source + 2, gw_load64(c + 32));
  return GW_IPV6_LENGTH;
}

/* Makes *w what parsing would have made of the client's packet, but for its place and length, which
 * stay the error's. */
GW_INLINE enum gw_reason gw_read_quote(struct gw_packet *packet, struct gw_work *w) {
  const uint8_t *end = gw_packet_end(packet);
  const uint8_t *c = gw_packet_data(packet) + (w->l4_offset & 0x3fff);
  if (c + GW_ICMP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
  if (!gw_is_icmp_useful(w->family, c[0])) return GW_REASON_ICMP_ERROR;
  c += GW_ICMP_LENGTH;
  uint32_t header_length =
      w->family == GW_FAMILY_4 ? gw_read_quoted_ipv4(c, end, w) : gw_read_quoted_ipv6(c, end, w);
  uint32_t behind = w->l4_offset - w->l3_offset + GW_ICMP_LENGTH + header_length;
  if (header_length == 0 || behind + GW_QUOTED_PORTS > w->ip_length) return GW_REASON_ICMP_ERROR;
  if (w->protocol != GW_PROTO_TCP && w->protocol != GW_PROTO_UDP) return GW_REASON_ICMP_ERROR;
  c += header_length & 0x3c;
  if (c + GW_QUOTED_PORTS > end) return GW_REASON_ICMP_ERROR;
  uint32_t ports = gw_load32(c);
  w->ports = ports << 16 | ports >> 16;
  w->tcp_flags = w->protocol == GW_PROTO_TCP ? GW_TCP_ACK : 0; /* in the midst of a connection */
  return GW_GO_ON;
}

/* Sets w->backend and w->record: of the flow's entry here, or in another shard, or of its slot. */
GW_INLINE enum gw_reason gw_find_quoted_flow(const struct gw_port *port, struct gw_work *w,
                                             uint32_t now_s) {
  enum gw_reason reason = gw_locate_flow(port, w);
  if (reason != GW_GO_ON) return reason;
  if (gw_find_flow(port, w, now_s) != GW_FLOW_USE_MISS) return GW_GO_ON;
  struct gw_shard_query query = {w->hash, (uint16_t)now_s, w->service->pool,
                                 w->service->idle_timeout_s, 0};
  uint64_t word = gw_search_other_shards(gw_port_give(port), &query);
  w->record = word ? gw_port_backend(port, gw_flow_backend(word)) : NULL;
  if (w->record) {
    w->backend = (uint16_t)gw_flow_backend(word);
    return GW_GO_ON;
  }
  w->backend = GW_NO_BACKEND;
  if (!gw_gate_open(port, GW_GATE_ERROR_LOST, now_s)) return GW_REASON_ICMP_LIMITED;
  return gw_pick_slot(port, w);
}

/* An MTU below what IP guarantees comes from an attacker who wants small packets, or from a router
 * that does not say any: the least that is sane stands in for it. */
GW_INLINE void gw_raise_mtu(const struct gw_port *port, struct gw_packet *packet,
                            const struct gw_work *w) {
  uint8_t *icmp = gw_packet_data(packet) + (w->l4_offset & 0x3fff);
  if (icmp + GW_ICMP_LENGTH > gw_packet_end(packet)) return;
  uint32_t least = GW_IPV4_MIN_MTU;
  if (w->family == GW_FAMILY_6) {
    if (icmp[0] != GW_ICMPV6_TOO_BIG) return;
    least = GW_IPV6_MIN_MTU;
    if (gw_load16(icmp + 4) != 0) return; /* 65536 and more */
  } else if (icmp[0] != GW_ICMP_UNREACHABLE || icmp[1] != GW_ICMP_FRAGMENTATION_NEEDED) {
    return;
  }
  uint16_t before = gw_load16(icmp + 6);
  if (gw_swap16(before) >= least) return;
  uint16_t after = gw_swap16((uint16_t)least);
  gw_store16(icmp + 6, after);
  gw_update_checksum(icmp + 2, before, after);
  gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_ICMP_MTU_RAISED], 1);
}

/* Sends the error on. GW_GO_ON: to w->backend, by w->record. REQUIRES: gw_parse_icmp() said that it
 * is one. */
GW_COLD enum gw_reason gw_pass_icmp_error(const struct gw_port *port, struct gw_packet *packet,
                                          struct gw_work *w, uint32_t now_s) {
  if (w->ttl <= 1) return GW_REASON_TTL_EXPIRED;
  enum gw_reason reason = gw_read_quote(packet, w);
  if (reason != GW_GO_ON) return reason;
  reason = gw_find_service(port, w, GW_GO_ON);
  if (reason != GW_GO_ON) return reason; /* of the host's own connections, perhaps */
  /* nat_icmp.h knows no such flow. */
  if (w->service->flags & (GW_SERVICE_NAT | GW_SERVICE_NAT_RETURN)) return GW_REASON_ICMP_ERROR;
  reason = gw_find_quoted_flow(port, w, now_s);
  if (reason != GW_GO_ON) return reason;
  gw_raise_mtu(port, packet, w);
  reason = gw_rewrite(packet, w);
  if (reason == GW_GO_ON)
    gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_ICMP_ERROR_PASSED], 1);
  return reason;
}

#endif /* GUIDEWAY_CORE_ICMP_PASS_H_ */
