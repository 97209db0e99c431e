/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all answers of our own have in common: they go back the way the packet came, VLAN tags
 * included, from the address that it was sent to. Threading: no state. Source: RFC 1122 §3.2.2 and
 * RFC 4443 §2.4 (what must not be answered). */
#ifndef GUIDEWAY_CORE_REPLY_H_
#define GUIDEWAY_CORE_REPLY_H_

#include "guideway/core/parse.h"
#include "guideway/core/rewrite.h"
#include "guideway/core/work.h"

enum { GW_REPLY_TTL = 64 };

/* The two 16-bit words of a 32-bit word, added. */
GW_INLINE uint32_t gw_sum_words(uint32_t word) { return (word & 0xffff) + (word >> 16); }

/* Swaps the MAC addresses of the frame at data. REQUIRES: 12 bytes there. */
GW_INLINE void gw_swap_macs(uint8_t *data) {
  uint32_t mac_hi = gw_load32(data);
  uint16_t mac_lo = gw_load16(data + 4);
  gw_store32(data, gw_load32(data + 6));
  gw_store16(data + 4, gw_load16(data + 10));
  gw_store32(data + 6, mac_hi);
  gw_store16(data + 10, mac_lo);
}

/* A header of 20 bytes, from the packet's destination to its source. */
GW_INLINE void gw_write_reply_ipv4(uint8_t *ip, const struct gw_work *w, uint32_t total_length,
                                   uint32_t protocol) {
  uint16_t length = gw_swap16((uint16_t)total_length);
  uint16_t ttl_protocol = gw_swap16((uint16_t)(GW_REPLY_TTL << 8 | protocol));
  gw_store16(ip, gw_swap16(0x4500));
  gw_store16(ip + 2, length);
  gw_store32(ip + 4, gw_swap32(0x4000)); /* id 0, don't fragment */
  gw_store16(ip + 8, ttl_protocol);
  gw_store16(ip + 10, 0);
  gw_store32(ip + 12, w->destination[0]);
  gw_store32(ip + 16, w->source[0]);
  uint32_t sum = (uint32_t)gw_swap16(0x4500) + length + gw_swap16(0x4000) + ttl_protocol +
                 gw_sum_words(w->source[0]) + gw_sum_words(w->destination[0]);
  gw_store16(ip + 10, (uint16_t)~gw_fold(sum));
}

/* A header of 40 bytes, likewise. */
GW_INLINE void gw_write_reply_ipv6(uint8_t *ip, const struct gw_work *w, uint32_t payload_length,
                                   uint32_t next_header) {
  gw_store32(ip, gw_swap32(6u << 28));
  gw_store16(ip + 4, gw_swap16((uint16_t)payload_length));
  ip[6] = (uint8_t)next_header;
  ip[7] = GW_REPLY_TTL;
  for (int i = 0; i < 4; i++) {
    gw_store32(ip + 8 + 4 * i, w->destination[i]);
    gw_store32(ip + 24 + 4 * i, w->source[i]);
  }
}

/* Whether the packet comes from the very address that it is for: nobody's, but in an attack that
 * wants a host to answer itself (LAND). */
GW_INLINE int gw_is_from_itself(const struct gw_work *w) {
  return gw_load64(w->source) == gw_load64(w->destination) &&
         gw_load64(w->source + 2) == gw_load64(w->destination + 2);
}

/* Whether an ICMP message may be sent to where the packet comes from: one host's address, and not
 * one of this machine's own. `data`: the frame, of at least 12 bytes. */
GW_INLINE int gw_may_answer(const uint8_t *data, const struct gw_work *w) {
  uint32_t first = w->source[0] & 0xff;
  if ((data[6] & 1) || gw_is_from_itself(w)) return 0;
  if (w->family == GW_FAMILY_4) return first != 0 && first != 127 && first < 224;
  /* ::, ::1, and IPv4 addresses in IPv6 form, ::a.b.c.d and ::ffff:a.b.c.d */
  int is_ipv4 =
      gw_load64(w->source) == 0 && (w->source[2] == 0 || w->source[2] == gw_swap32(0xffff));
  return first != 0xff && !is_ipv4;
}

/* Whether one more message of this kind fits into this second. */
GW_INLINE int gw_gate_open(const struct gw_port *port, enum gw_gate gate, uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  uint64_t *word = &counters->gates[gate];
  uint64_t value = gw_counter_read(word);
  uint32_t used = (uint32_t)(value >> 32) == now_s ? (uint32_t)value : 0;
  if (used >= gw_port_state(port)->icmp_rate) {
    gw_counter_add(&counters->events[GW_EVENT_ICMP_HELD_BACK], 1);
    return 0;
  }
  gw_flow_store(word, (uint64_t)now_s << 32 | (used + 1));
  return 1;
}

#endif /* GUIDEWAY_CORE_REPLY_H_ */
