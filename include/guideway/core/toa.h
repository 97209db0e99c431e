/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TOA, the TCP option address: the client's port and address in an option of the TCP header, for
 * backends that are sent to by NAT and would see our address alone. Options are no part of the
 * stream: no sequence number changes. gw_nat_plan_toa() says which packets get it; a client's own
 * are erased from all, lest a backend should believe them.
 *
 *   IPv4   kind 254, length 8     port, address
 *   IPv6   kind 253, length 20    port, address        both in network order
 *
 * Threading: no state. Source: what the modules on backends read (LVS FULLNAT, Huawei's toa), RFC
 * 9293 §3.1 (options, data offset), RFC 1624. */
#ifndef GUIDEWAY_CORE_TOA_H_
#define GUIDEWAY_CORE_TOA_H_

#include "guideway/core/mss.h"
#include "guideway/core/nat_rewrite.h"

enum {
  GW_TCP_OPTION_TOA = 254,
  GW_TCP_OPTION_TOA_IPV6 = 253,
  GW_TOA_LENGTH = 8,
  GW_TOA_IPV6_LENGTH = 20,
  GW_TCP_HEADER_MOST = 60,
  GW_TCP_OPTIONS_MOST = GW_TCP_HEADER_MOST - GW_TCP_LENGTH,
  /* An IP header that is longer, by IPv6 extensions, is not moved to make room. */
  GW_TOA_IP_MOST = 60,
  GW_TOA_ETHERNET_MOST = GW_ETHERNET_LENGTH + 2 * GW_VLAN_LENGTH,
};

GW_INLINE uint32_t gw_toa_length(uint32_t family) {
  return family == GW_FAMILY_4 ? GW_TOA_LENGTH : GW_TOA_IPV6_LENGTH;
}
/* Kind and length, as loaded. */
GW_INLINE uint32_t gw_toa_start(uint32_t family) {
  return family == GW_FAMILY_4 ? GW_TCP_OPTION_TOA | GW_TOA_LENGTH << 8
                               : GW_TCP_OPTION_TOA_IPV6 | GW_TOA_IPV6_LENGTH << 8;
}

/* --- A client's own --- */

/* Makes `length` bytes NOPs, `offset` behind the start of the TCP header that is l4_offset bytes
 * into the frame. */
GW_APART int gw_blank_option(gw_frame *frame, uint32_t l4_offset, uint32_t offset,
                             uint32_t length) {
  struct gw_packet packet_again;
  uint32_t was = 0;
  uint32_t is = 0;
  if (!frame) return 0;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const uint8_t *end = gw_packet_end(packet);
  uint8_t *tcp = gw_packet_data(packet) + (gw_opaque(l4_offset) & 0x3fff);
  if (tcp + GW_TCP_LENGTH > end) return 0;
#pragma GCC unroll 1
  for (uint32_t i = 0; i < GW_TCP_OPTIONS_MOST; i++) {
    if (i >= length) break;
    uint32_t at = gw_opaque(offset + i) & 0x3f;
    uint8_t *byte = tcp + at;
    if (byte + 1 > end) break;
    uint32_t shift = (at & 1) * 8;
    was += (uint32_t)*byte << shift;
    is += (uint32_t)GW_TCP_OPTION_NOP << shift;
    *byte = GW_TCP_OPTION_NOP;
  }
  uint16_t checksum = gw_load16(tcp + GW_TCP_CHECKSUM);
  gw_store16(tcp + GW_TCP_CHECKSUM, gw_nat_checksum(checksum, gw_nat_difference(was, is)));
  return 1;
}

/* Makes NOPs of all TOA options of the TCP header l4_offset bytes into the frame, whatever their
 * length. Returns 1 if there were any. Behind options that are not well-formed nobody looks for
 * more, on backends neither. REQUIRES: its data offset is within the packet (gw_parse()). */
GW_APART int gw_erase_toa(gw_frame *frame, uint32_t l4_offset) {
  struct gw_packet packet_again;
  int found = 0;
  if (!frame) return 0;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const uint8_t *end = gw_packet_end(packet);
  const uint8_t *tcp = gw_packet_data(packet) + (gw_opaque(l4_offset) & 0x3fff);
  if (tcp + GW_TCP_LENGTH > end) return 0;
  uint32_t header_length = (uint32_t)(tcp[12] >> 4) * 4;
  uint32_t at = GW_TCP_LENGTH;
#pragma GCC unroll 1
  for (int i = 0; i < GW_TCP_OPTIONS_MOST; i++) {
    if (at + 2 > header_length) break;
    uint32_t offset = gw_opaque(at) & 0x3f;
    const uint8_t *option = tcp + offset;
    if (option + 2 > end || option[0] == GW_TCP_OPTION_END) break;
    if (option[0] == GW_TCP_OPTION_NOP) {
      at = offset + 1;
      continue;
    }
    uint32_t length = option[1];
    if (length < 2 || offset + length > header_length) break;
    if (option[0] == GW_TCP_OPTION_TOA || option[0] == GW_TCP_OPTION_TOA_IPV6)
      found |= gw_blank_option(frame, l4_offset, offset, length);
    at = offset + length;
  }
  return found;
}

/* --- Ours --- */

/* Moves the `length` bytes that stand `gap` bytes into the frame to its start. The length of
 * Ethernet, IP and TCP headers is 2 more than a multiple of 4. Returns 0 if it would pass `end`. */
GW_INLINE int gw_move_headers(uint8_t *data, const uint8_t *end, uint32_t gap, uint32_t length) {
  if (data + gap + 2 > end || data + 2 > end) return 0;
  gw_store16(data, gw_load16(data + gap));
#pragma GCC unroll 1
  for (uint32_t i = 2; i < GW_TOA_ETHERNET_MOST + GW_TOA_IP_MOST + GW_TCP_LENGTH; i += 4) {
    if (i >= length) break;
    const uint8_t *from = data + gap + i;
    uint8_t *to = data + i;
    if (from + 4 > end || to + 4 > end) return 0;
    gw_store32(to, gw_load32(from));
  }
  return 1;
}

/* The IP packet at `ip` is `more` bytes longer. Returns 0 if its header would pass `end`. */
GW_INLINE int gw_lengthen_ip(uint8_t *ip, const uint8_t *end, uint32_t family, uint32_t more) {
  uint32_t at = family == GW_FAMILY_4 ? 2 : 4;
  if (ip + GW_IPV4_LENGTH > end) return 0;
  uint16_t before = gw_load16(ip + at);
  uint16_t after = gw_swap16((uint16_t)(gw_swap16(before) + more));
  gw_store16(ip + at, after);
  if (family == GW_FAMILY_4)
    gw_store16(ip + 10, gw_nat_checksum(gw_load16(ip + 10), gw_nat_difference(before, after)));
  return 1;
}

/* Writes the option behind the fixed part of the header at `tcp`, where there is room for it now,
 * and what follows from it. Returns 0 if it would pass `end`. */
GW_INLINE int gw_write_toa(uint8_t *tcp, const uint8_t *end, const struct gw_work *w) {
  uint32_t length = gw_toa_length(w->family);
  uint32_t start = gw_toa_start(w->family) | (w->ports & 0xffff) << 16;
  if (tcp + GW_TCP_LENGTH + GW_TOA_LENGTH > end) return 0;
  uint16_t before = gw_load16(tcp + 12);
  uint16_t after = (uint16_t)(before + length * 4); /* the data offset counts words */
  /* The pseudo-header's length grows, too. */
  uint64_t difference = gw_nat_difference(before, after) + gw_swap16((uint16_t)length) +
                        gw_nat_sum(start) + gw_nat_sum(w->source[0]);
  gw_store16(tcp + 12, after);
  gw_store32(tcp + GW_TCP_LENGTH, start);
  gw_store32(tcp + GW_TCP_LENGTH + 4, w->source[0]);
  if (w->family != GW_FAMILY_4) {
    if (tcp + GW_TCP_LENGTH + GW_TOA_IPV6_LENGTH > end) return 0;
    for (uint32_t i = 1; i < 4; i++) {
      gw_store32(tcp + GW_TCP_LENGTH + 4 + 4 * i, w->source[i]);
      difference += gw_nat_sum(w->source[i]);
    }
  }
  uint16_t checksum = gw_load16(tcp + GW_TCP_CHECKSUM);
  gw_store16(tcp + GW_TCP_CHECKSUM, gw_nat_checksum(checksum, difference));
  return 1;
}

/* Adds the option to a client's packet that has been translated, and whose IP header is now l3
 * bytes into the frame. *w is as it was parsed: whose it is. Returns 0, and leaves it as it is, if
 * the TCP header or the buffer has no room. */
GW_APART int gw_add_toa(gw_frame *frame, struct gw_work *w, uint32_t l3) {
  struct gw_packet packet_again;
  if (!frame || !w) return 0;
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  uint32_t length = gw_toa_length(w->family);
  uint32_t ip_length = gw_opaque((uint32_t)w->l4_offset - w->l3_offset);
  if (ip_length > GW_TOA_IP_MOST || l3 > GW_TOA_ETHERNET_MOST) return 0;
  uint32_t l4 = gw_opaque(l3 + ip_length) & 0x7f;
  const uint8_t *tcp = gw_packet_data(packet) + l4;
  if (tcp + GW_TCP_LENGTH > gw_packet_end(packet)) return 0;
  if ((uint32_t)(tcp[12] >> 4) * 4 + length > GW_TCP_HEADER_MOST) return 0;
  if (gw_packet_resize(packet, (int)length, 0) != 0) return 0;
  uint8_t *data = gw_packet_data(packet);
  const uint8_t *end = gw_packet_end(packet);
  l3 = gw_opaque(l3) & 0x1f;
  return gw_move_headers(data, end, length, l4 + GW_TCP_LENGTH) &&
         gw_lengthen_ip(data + l3, end, w->family, length) &&
         gw_write_toa(data + (gw_opaque(l4) & 0x7f), end, w);
}

#endif /* GUIDEWAY_CORE_TOA_H_ */
