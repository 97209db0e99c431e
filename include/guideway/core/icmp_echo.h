/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Echo: the answer to a ping of a VIP, made in place. It says that the director is there and has
 * the VIP; of backends it says nothing. Threading: no state. Source: RFC 792, RFC 4443 §4.2,
 * RFC 1624 (checksum update). */
#ifndef GUIDEWAY_CORE_ICMP_ECHO_H_
#define GUIDEWAY_CORE_ICMP_ECHO_H_

#include "guideway/core/icmp.h"
#include "guideway/core/reply.h"

/* The checksum at `at` after one of the words that it covers has become another one. What was wrong
 * before stays wrong by as much. */
GW_INLINE void gw_update_checksum(uint8_t *at, uint16_t before, uint16_t after) {
  uint32_t sum = (uint32_t)(uint16_t)~gw_load16(at) + (uint16_t)~before + after;
  gw_store16(at, (uint16_t)~gw_fold(sum));
}

/* Makes the first byte of the message (of which its code is the second) `type`. A checksum of 0
 * becomes 0xffff, which is as right, and still is when all that it covers is zeros: a reply can be.
 */
GW_INLINE void gw_set_icmp_type(uint8_t *icmp, uint8_t type) {
  uint16_t before = gw_load16(icmp);
  icmp[0] = type;
  gw_update_checksum(icmp + 2, before, gw_load16(icmp));
  if (gw_load16(icmp + 2) == 0) gw_store16(icmp + 2, 0xffff);
}

/* Turns an echo request into its reply. REQUIRES: gw_parse_icmp() said that it is one. */
GW_INLINE enum gw_reason gw_answer_echo(const struct gw_port *port, struct gw_packet *packet,
                                        const struct gw_work *w, uint32_t now_s) {
  uint8_t *data = gw_packet_data(packet);
  const uint8_t *end = gw_packet_end(packet);
  uint8_t *ip = data + (w->l3_offset & 0x1f);
  if (data + GW_ETHERNET_LENGTH > end || ip + GW_IPV4_LENGTH + GW_ICMP_LENGTH > end)
    return GW_REASON_TOO_SHORT;
  if (!gw_may_answer(data, w)) return GW_REASON_BAD_SOURCE;
  if (!gw_gate_open(port, GW_GATE_ECHO, now_s)) return GW_REASON_ICMP_LIMITED;
  if (w->family == GW_FAMILY_4) {
    uint16_t before = gw_load16(ip + 8);
    ip[8] = GW_REPLY_TTL;
    gw_update_checksum(ip + 10, before, gw_load16(ip + 8));
    gw_store32(ip + 12, w->destination[0]);
    gw_store32(ip + 16, w->source[0]);
    gw_set_icmp_type(ip + GW_IPV4_LENGTH, GW_ICMP_ECHO_REPLY);
  } else {
    if (ip + GW_IPV6_LENGTH + GW_ICMP_LENGTH > end) return GW_REASON_TOO_SHORT;
    ip[7] = GW_REPLY_TTL;
    for (int i = 0; i < 4; i++) {
      gw_store32(ip + 8 + 4 * i, w->destination[i]);
      gw_store32(ip + 24 + 4 * i, w->source[i]);
    }
    gw_set_icmp_type(ip + GW_IPV6_LENGTH, GW_ICMPV6_ECHO_REPLY);
  }
  gw_swap_macs(data);
  return GW_REASON_ECHO_ANSWERED;
}

#endif /* GUIDEWAY_CORE_ICMP_ECHO_H_ */
