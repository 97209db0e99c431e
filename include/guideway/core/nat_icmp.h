/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors of others about packets that were translated, in both directions:
 *
 *   to the NAT address, quoting   NAT address:port -> backend   to the client, quoting its own
 *   to the VIP, quoting           VIP:80 -> client              to the backend, quoting its own
 *
 * The quoted packet turned round looks like one of the other end's, so its flow is found as that
 * one's is. It gets the names that the error's receiver knows, and so does the error's source if it
 * is the very end that the quoted packet was for; a router keeps its address. Only errors of a flow
 * that there is are sent on, and they do not refresh it.
 * Threading: as nat_table.h.
 * Source: RFC 5508 §4.2 and §7 (REQ-3 to REQ-6), RFC 1624, RFC 4443 §2.3 (checksum of ICMPv6). */
#ifndef GUIDEWAY_CORE_NAT_ICMP_H_
#define GUIDEWAY_CORE_NAT_ICMP_H_

#include "guideway/core/icmp_pass.h"
#include "guideway/core/nat.h"
#include "guideway/core/nat_return.h"
#include "guideway/core/outcome.h"

/* --- The bytes --- */

/* Ports and checksum of the quoted header at `l4`, of which `length` bytes are quoted. `addresses`
 * is what the new addresses add to a sum. Returns what all this adds to the message's, or 0 if it
 * would pass `end`. */
GW_INLINE uint64_t gw_nat_write_quoted_l4(uint8_t *l4, const uint8_t *end, uint32_t length,
                                          const struct gw_work *w, const struct gw_nat_rewrite *to,
                                          uint64_t addresses) {
  uint32_t ports = to->ports >> 16 | to->ports << 16;
  if (l4 + GW_QUOTED_PORTS > end) return 0;
  uint64_t changed = gw_nat_difference(gw_load32(l4), ports);
  gw_store32(l4, ports);
  if (w->protocol == GW_PROTO_TCP) {
    if (length < GW_TCP_CHECKSUM + 2 || l4 + GW_TCP_CHECKSUM + 2 > end) return changed;
    l4 += GW_TCP_CHECKSUM;
  } else {
    if (length < GW_UDP_CHECKSUM + 2 || l4 + GW_UDP_CHECKSUM + 2 > end) return changed;
    l4 += GW_UDP_CHECKSUM;
  }
  uint16_t before = gw_load16(l4);
  if (before == 0 && w->protocol == GW_PROTO_UDP) return changed; /* none */
  uint16_t after = gw_nat_checksum(before, addresses + changed);
  if (after == 0 && w->protocol == GW_PROTO_UDP) after = 0xffff;
  gw_store16(l4, after);
  return changed + gw_nat_difference(before, after);
}

/* The quoted packet at `quote`, of which `length` bytes are quoted; returns as above. */
GW_INLINE uint64_t gw_nat_write_quote(uint8_t *quote, const uint8_t *end, uint32_t length,
                                      const struct gw_work *w, const struct gw_nat_rewrite *to) {
  uint64_t addresses = gw_nat_address_difference(w, to);
  uint64_t changed = addresses;
  uint32_t header_length = GW_IPV6_LENGTH;
  if (w->family == GW_FAMILY_4) {
    if (quote + GW_IPV4_LENGTH > end) return 0;
    header_length = (uint32_t)(quote[0] & 0x0f) * 4;
    uint16_t before = gw_load16(quote + 10);
    uint16_t after = gw_nat_checksum(before, addresses);
    gw_store16(quote + 10, after);
    gw_store32(quote + 12, (uint32_t)to->destination[0]);
    gw_store32(quote + 16, (uint32_t)to->source[0]);
    changed += gw_nat_difference(before, after);
  } else {
    if (quote + GW_IPV6_LENGTH > end) return 0;
    for (int i = 0; i < 2; i++) {
      gw_store64(quote + 8 + 8 * i, to->destination[i]);
      gw_store64(quote + 24 + 8 * i, to->source[i]);
    }
  }
  uint64_t l4 =
      gw_nat_write_quoted_l4(quote + header_length, end, length - header_length, w, to, addresses);
  return l4 ? changed + l4 : 0;
}

/* The error's own header. Adds to *changed what that adds to the sum of a message that covers its
 * addresses. Returns 0 if it would pass `end`. */
GW_INLINE int gw_nat_write_error_ip(uint8_t *ip, const uint8_t *end, const struct gw_work *w,
                                    const struct gw_nat_rewrite *to, uint64_t *changed) {
  if (w->family == GW_FAMILY_4) {
    if (ip + GW_IPV4_LENGTH > end) return 0;
    uint64_t addresses = gw_nat_difference(w->destination[0], to->destination[0]);
    gw_decrement_ipv4_ttl(ip);
    if (gw_load32(ip + 12) == w->source[0]) {
      addresses += gw_nat_difference(w->source[0], to->source[0]);
      gw_store32(ip + 12, (uint32_t)to->source[0]);
    }
    gw_store32(ip + 16, (uint32_t)to->destination[0]);
    gw_store16(ip + 10, gw_nat_checksum(gw_load16(ip + 10), addresses));
    return 1; /* ICMP's checksum does not cover them */
  }
  if (ip + GW_IPV6_LENGTH > end) return 0;
  ip[7] = (uint8_t)(ip[7] - 1);
  int is_from_end =
      gw_load64(ip + 8) == gw_load64(w->source) && gw_load64(ip + 16) == gw_load64(w->source + 2);
  for (int i = 0; i < 2; i++) {
    if (is_from_end) {
      *changed += gw_nat_difference(gw_load64(w->source + 2 * i), to->source[i]);
      gw_store64(ip + 8 + 8 * i, to->source[i]);
    }
    *changed += gw_nat_difference(gw_load64(w->destination + 2 * i), to->destination[i]);
    gw_store64(ip + 24 + 8 * i, to->destination[i]);
  }
  return 1;
}

/* Writes the error. *to says where it goes, as for the packet that the quoted one was turned into:
 * its source is what the quoted packet is to have as destination. REQUIRES: gw_read_quote() said
 * GW_GO_ON, TTL >= 2. */
GW_INLINE enum gw_reason gw_nat_write_error(struct gw_packet *packet, const struct gw_work *w,
                                            const struct gw_nat_rewrite *to) {
  uint8_t *ip;
  uint64_t changed = 0;
  enum gw_reason reason = gw_nat_write_link(packet, w, to, &ip);
  if (reason != GW_GO_ON) return reason;
  const uint8_t *end = gw_packet_end(packet);
  if (!gw_nat_write_error_ip(ip, end, w, to, &changed)) return GW_REASON_TOO_SHORT;
  uint32_t header_length = gw_opaque((uint32_t)w->l4_offset - w->l3_offset) & 0x3fff;
  uint8_t *icmp = ip + header_length;
  if (icmp + GW_ICMP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
  uint64_t quoted = gw_nat_write_quote(icmp + GW_ICMP_LENGTH, end,
                                       w->ip_length - header_length - GW_ICMP_LENGTH, w, to);
  if (quoted == 0) return GW_REASON_L4_TRUNCATED;
  gw_store16(icmp + 2, gw_nat_checksum(gw_load16(icmp + 2), changed + quoted));
  return GW_GO_ON;
}

/* --- Whose it is --- */

/* In a gw_nat_result(), where others have gw_nat_toa_at(): the quoted packet may have had a TOA. */
#define GW_NAT_QUOTES_TOA (1u << 8)

/* An error to the VIP, turned round by gw_read_quote(): sets *to for the flow's backend. Returns a
 * gw_nat_result(); reason GW_REASON_ICMP_ERROR: there is no such flow. */
GW_INLINE uint64_t gw_nat_quoted_by_client(const struct gw_port *port, const struct gw_work *w,
                                           const struct gw_service *service,
                                           struct gw_nat_scratch *scratch, uint32_t now_s) {
  struct gw_nat_query *query = &scratch->query;
  gw_port_token table = gw_port_to_token(port);
  gw_nat_ask(port, w, service, scratch, now_s);
  query->place = gw_nat_find_of_client(table, w, service, query);
  if (query->place == GW_NAT_NO_PLACE) return gw_nat_refused(GW_REASON_ICMP_ERROR);
  struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, query->place >> 3);
  uint32_t id = gw_nat_backend(query->word);
  const struct gw_backend *record = gw_nat_record(port, id);
  if (!bucket || !record) return gw_nat_refused(GW_REASON_ICMP_ERROR);
  const struct gw_nat_entry *entry = &bucket->entries[query->place & (GW_NAT_WAYS - 1)];
  if (record->pool != service->pool || gw_nat_judge(entry, now_s).is_over)
    return gw_nat_refused(GW_REASON_ICMP_ERROR);
  enum gw_reason reason =
      gw_nat_to_backend(port, w, record, query->address, query->place, &scratch->to);
  return gw_nat_result(reason, record->interface_index, id, service->id);
}

/* An error to the NAT address (`service`), or else to the client itself: sets *to for the flow's
 * client. Returns as above. */
GW_INLINE uint64_t gw_nat_quoted_by_backend(const struct gw_port *port, const struct gw_work *w,
                                            const struct gw_service *service,
                                            struct gw_nat_scratch *scratch, uint32_t now_s) {
  struct gw_nat_answer answer;
  struct gw_nat_rewrite *to = &scratch->to;
  scratch->query.now_s = now_s;
  enum gw_reason reason = service ? gw_nat_find_of_backend(port, w, service, now_s, &answer, to)
                                  : gw_nat_find_return(port, w, &scratch->query, &answer, to);
  if (reason != GW_GO_ON) return gw_nat_refused(GW_REASON_ICMP_ERROR);
  uint64_t result =
      gw_nat_result(GW_REASON_NAT_RETURNED, answer.interface_index, answer.backend, 0);
  return gw_nat_gets_toa(answer.entry) ? result | GW_NAT_QUOTES_TOA : result;
}

/* Whose flow it is that the error, turned round, is about. Returns as above. */
GW_INLINE uint64_t gw_nat_find_quoted(const struct gw_port *port, const struct gw_work *w,
                                      struct gw_nat_scratch *scratch, uint32_t now_s) {
  const struct gw_service *service = gw_nat_look_up(port, w);
  if (service && (service->flags & GW_SERVICE_NAT)) {
    if (service->nat_address_count == 0) return gw_nat_refused(GW_REASON_ICMP_ERROR);
    return gw_nat_quoted_by_client(port, w, service, scratch, now_s);
  }
  if (service ? !(service->flags & GW_SERVICE_NAT_RETURN)
              : !(gw_port_state(port)->flags & GW_STATE_NAT_KEEPS))
    return gw_nat_refused(GW_REASON_ICMP_ERROR);
  return gw_nat_quoted_by_backend(port, w, service, scratch, now_s);
}

/* A router's MTU is for the packet that it had. If that began its options with a TOA (toa.h), the
 * client is told by how much less its own may have. A quote that ends before that (8 bytes of TCP
 * are enough for RFC 792) leaves it to `may_hide`: told the router's MTU, the client would send
 * what is refused for ever, as the backend that hears nothing never speaks. */
GW_APART int gw_spare_toa(gw_frame *frame, uint32_t l4_offset, uint32_t family, uint32_t may_hide) {
  struct gw_packet packet_again;
  if (!frame) return 0;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const uint8_t *end = gw_packet_end(packet);
  uint8_t *icmp = gw_packet_data(packet) + (gw_opaque(l4_offset) & 0x3fff);
  uint8_t *quote = icmp + GW_ICMP_LENGTH;
  if (quote + 10 > end) return 0;
  uint32_t quoted_protocol = family == GW_FAMILY_4 ? quote[9] : quote[6];
  if (quoted_protocol != GW_PROTO_TCP) return 0;
  int is_too_big =
      family == GW_FAMILY_4
          ? gw_load16(icmp) == (GW_ICMP_UNREACHABLE | GW_ICMP_FRAGMENTATION_NEEDED << 8)
          : icmp[0] == GW_ICMPV6_TOO_BIG;
  uint32_t header_length = GW_IPV6_LENGTH;
  if (family == GW_FAMILY_4) header_length = (quote[0] & 0x0fu) * 4;
  const uint8_t *option = quote + (gw_opaque(header_length) & 0x3c) + GW_TCP_LENGTH;
  if (!is_too_big) return 0;
  if (option + 2 > end ? !may_hide : gw_load16(option) != gw_toa_start(family)) return 0;
  uint16_t before = gw_load16(icmp + 6);
  uint32_t length = gw_toa_length(family);
  if (gw_swap16(before) < length) return 0;
  uint16_t after = gw_swap16((uint16_t)(gw_swap16(before) - length));
  gw_store16(icmp + 6, after);
  gw_update_checksum(icmp + 2, before, after);
  return 1;
}

/* An ICMP error that may be about a NAT flow, from gw_parse() to its end. If it is, sends it on and
 * counts it, and returns the outcome as gw_pack() makes it; else its reason is w->reason, and only
 * *w has changed. */
GW_APART uint64_t gw_nat_pass_icmp_error(gw_frame *frame, gw_port_token token, struct gw_work *w,
                                         uint32_t now_s) {
  struct gw_packet packet_again;
  struct gw_port port_again;
  if (!frame || !w) return 0;
  const uint64_t not_ours = (uint64_t)w->reason << 8;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const struct gw_port *port = gw_port_again(token, &port_again);
  GW_SCRATCH(struct gw_nat_scratch, scratch);
  if (!port || !scratch || w->ttl <= 1) return not_ours;
  if (gw_read_quote(packet, w) != GW_GO_ON) return not_ours;
  __builtin_memset(&scratch->to, 0, sizeof scratch->to); /* g++ cannot see that it is filled */
  uint64_t found = gw_nat_find_quoted(port, w, scratch, now_s);
  enum gw_reason reason = gw_nat_reason(found);
  if (reason == GW_REASON_ICMP_ERROR) return not_ours;
  if (gw_reason_verdict(reason) == GW_FORWARD) {
    if (reason == GW_REASON_NAT_RETURNED)
      gw_spare_toa(frame, w->l4_offset, w->family, (uint32_t)found & GW_NAT_QUOTES_TOA);
    gw_raise_mtu(port, packet, w);
    enum gw_reason written = gw_nat_write_error(packet, w, &scratch->to);
    if (written == GW_GO_ON)
      gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_ICMP_ERROR_PASSED], 1);
    else
      reason = written;
  }
  /* Once more: Linux 6.1's verifier has forgotten it. */
  reason = gw_nat_reason(gw_opaque((uint32_t)reason));
  struct gw_outcome outcome = gw_count(port, reason, w->frame_length, (uint16_t)(found >> 16),
                                       (uint16_t)(found >> 32), (uint16_t)(found >> 48));
  return gw_pack(&outcome);
}

#endif /* GUIDEWAY_CORE_NAT_ICMP_H_ */
