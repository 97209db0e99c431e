/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The MSS that a SYN or SYN-ACK announces, made no larger than what fits the paths to backends
 * (clamp_mss): the other end then never sends more, also where ICMP does not get through.
 * Threading: no state. Source: RFC 9293 §3.2 (options) and §3.7.1 (MSS), RFC 6691 (it counts no
 * options), RFC 1624. */
#ifndef GUIDEWAY_CORE_MSS_H_
#define GUIDEWAY_CORE_MSS_H_

#include "guideway/core/nat_rewrite.h"

enum {
  GW_TCP_OPTION_END = 0,
  GW_TCP_OPTION_NOP = 1,
  GW_TCP_OPTION_MSS = 2,
  GW_TCP_MSS_LENGTH = 4,
  /* Kinds and paddings that are looked at: a SYN's MSS stands first, or nearly so. */
  GW_TCP_MOST_OPTIONS = 16,
  /* IPv6 has a longer header. */
  GW_MSS_IPV6_LESS = GW_IPV6_LENGTH - GW_IPV4_LENGTH,
};

/* Writes `most` over the MSS at `option`, which stands `offset` bytes behind the start of `tcp`, if
 * it is larger. */
GW_INLINE void gw_lower_mss(uint8_t *tcp, uint8_t *option, uint32_t offset, uint32_t most) {
  uint16_t before = gw_load16(option + 2);
  uint16_t after = gw_swap16((uint16_t)most);
  if (gw_swap16(before) <= most) return;
  gw_store16(option + 2, after);
  if (offset & 1) { /* its bytes belong to two words of the sum */
    before = gw_swap16(before);
    after = gw_swap16(after);
  }
  uint16_t checksum = gw_load16(tcp + GW_TCP_CHECKSUM);
  gw_store16(tcp + GW_TCP_CHECKSUM, gw_nat_checksum(checksum, gw_nat_difference(before, after)));
}

/* The TCP header `l4_offset` bytes into the frame announces no more than `most`. Options that are
 * not well-formed, and a header without MSS, stay as they are. */
GW_APART int gw_clamp_mss(gw_frame *frame, uint32_t l4_offset, uint32_t most) {
  struct gw_packet packet_again;
  if (!frame) return 0;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const uint8_t *end = gw_packet_end(packet);
  uint8_t *tcp = gw_packet_data(packet) + (gw_opaque(l4_offset) & 0x3fff);
  if (tcp + GW_TCP_LENGTH > end) return 0;
  uint32_t header_length = (uint32_t)(tcp[12] >> 4) * 4;
  uint32_t at = GW_TCP_LENGTH;
#pragma GCC unroll 1
  for (int i = 0; i < GW_TCP_MOST_OPTIONS; i++) {
    if (at + GW_TCP_MSS_LENGTH > header_length) break;
    uint32_t offset = gw_opaque(at) & 0x3f;
    uint8_t *option = tcp + offset;
    if (option + GW_TCP_MSS_LENGTH > end || option[0] == GW_TCP_OPTION_END) return 0;
    if (option[0] == GW_TCP_OPTION_NOP) {
      at = offset + 1;
      continue;
    }
    if (option[1] < 2) return 0;
    if (option[0] == GW_TCP_OPTION_MSS) {
      if (option[1] == GW_TCP_MSS_LENGTH) gw_lower_mss(tcp, option, offset, most & 0xffff);
      return 0;
    }
    at = offset + option[1];
  }
  return 0;
}

/* The same for *w, which has SYN, before it is rewritten. */
GW_INLINE void gw_clamp_mss_to(struct gw_packet *packet, const struct gw_work *w,
                               const struct gw_service *service) {
  uint32_t most = service ? service->clamp_mss : 0;
  if (most == 0) return;
  if (w->family == GW_FAMILY_6) most -= GW_MSS_IPV6_LESS;
  gw_clamp_mss(gw_packet_frame(packet), w->l4_offset, most);
}

#endif /* GUIDEWAY_CORE_MSS_H_ */
