/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a packet that is translated: Ethernet header, addresses, ports, TTL, and the
 * checksums by what has changed. Threading: no state.
 * Source: RFC 1624 (checksum update), RFC 768 (UDP checksum of zero). */
#ifndef GUIDEWAY_CORE_NAT_REWRITE_H_
#define GUIDEWAY_CORE_NAT_REWRITE_H_

#include "guideway/core/parse.h"
#include "guideway/core/rewrite.h"
#include "guideway/core/work.h"

enum { GW_NAT_ETHERNET_WORDS = 3, GW_TCP_CHECKSUM = 16, GW_UDP_CHECKSUM = 6 };

/* What the packet is to become. */
struct gw_nat_rewrite {
  uint64_t ethernet[GW_NAT_ETHERNET_WORDS]; /* the header, with tags, but for the EtherType */
  uint64_t source[2];
  uint64_t destination[2];
  uint32_t ports;
  uint32_t ethernet_length; /* 14, 18 or 22 */
};

/* A one's complement sum: words of any size add up alike, since 2^16 is 1 modulo 0xffff. */
GW_INLINE uint64_t gw_nat_sum(uint64_t word) { return (word & 0xffffffff) + (word >> 32); }
/* What replacing `was` by `is` adds to such a sum. */
GW_INLINE uint64_t gw_nat_difference(uint64_t was, uint64_t is) {
  return gw_nat_sum(~was) + gw_nat_sum(is);
}

/* The checksum after `difference`, RFC 1624 equation 3. */
GW_INLINE uint16_t gw_nat_checksum(uint16_t was, uint64_t difference) {
  uint64_t sum = (uint16_t)~was + difference;
  sum = gw_nat_sum(sum);
  sum = gw_nat_sum(sum);
  return (uint16_t)~gw_fold((uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16));
}

GW_INLINE uint64_t gw_nat_address_difference(const struct gw_work *w,
                                             const struct gw_nat_rewrite *to) {
  return gw_nat_difference(gw_load64(w->source), to->source[0]) +
         gw_nat_difference(gw_load64(w->source + 2), to->source[1]) +
         gw_nat_difference(gw_load64(w->destination), to->destination[0]) +
         gw_nat_difference(gw_load64(w->destination + 2), to->destination[1]);
}

/* Ports and checksum of the header at `l4`. Returns 0 if it would pass `end`. */
GW_INLINE int gw_nat_write_l4(uint8_t *l4, const uint8_t *end, const struct gw_work *w,
                              const struct gw_nat_rewrite *to) {
  uint64_t difference = gw_nat_address_difference(w, to) + gw_nat_difference(w->ports, to->ports);
  if (w->protocol == GW_PROTO_TCP) {
    if (l4 + GW_TCP_LENGTH > end) return 0;
    gw_store32(l4, to->ports);
    gw_store16(l4 + GW_TCP_CHECKSUM, gw_nat_checksum(gw_load16(l4 + GW_TCP_CHECKSUM), difference));
    return 1;
  }
  if (l4 + GW_UDP_LENGTH > end) return 0;
  uint16_t checksum = gw_load16(l4 + GW_UDP_CHECKSUM);
  gw_store32(l4, to->ports);
  if (checksum == 0) return 1; /* none (IPv4) */
  checksum = gw_nat_checksum(checksum, difference);
  gw_store16(l4 + GW_UDP_CHECKSUM, checksum ? checksum : 0xffff);
  return 1;
}

GW_INLINE int gw_nat_write_ip(uint8_t *ip, const uint8_t *end, const struct gw_work *w,
                              const struct gw_nat_rewrite *to) {
  if (w->family == GW_FAMILY_4) {
    if (ip + GW_IPV4_LENGTH > end) return 0;
    gw_decrement_ipv4_ttl(ip);
    gw_store32(ip + 12, (uint32_t)to->source[0]);
    gw_store32(ip + 16, (uint32_t)to->destination[0]);
    gw_store16(ip + 10, gw_nat_checksum(gw_load16(ip + 10), gw_nat_address_difference(w, to)));
    return 1;
  }
  if (ip + GW_IPV6_LENGTH > end) return 0;
  ip[7] = (uint8_t)(ip[7] - 1);
  for (int i = 0; i < 2; i++) {
    gw_store64(ip + 8 + 8 * i, to->source[i]);
    gw_store64(ip + 24 + 8 * i, to->destination[i]);
  }
  return 1;
}

/* Writes the Ethernet header at `c`; returns what follows it, or null. */
GW_INLINE uint8_t *gw_nat_write_ethernet(uint8_t *c, const uint8_t *end, const struct gw_work *w,
                                         const struct gw_nat_rewrite *to) {
  uint16_t type = gw_swap16(w->family == GW_FAMILY_4 ? GW_ETHERTYPE_IPV4 : GW_ETHERTYPE_IPV6);
  if (c + GW_ETHERNET_LENGTH > end) return NULL;
  gw_store64(c, to->ethernet[0]);
  gw_store32(c + 8, (uint32_t)to->ethernet[1]);
  gw_store16(c + 12, (uint16_t)(to->ethernet[1] >> 32));
  c += GW_ETHERNET_LENGTH;
  if (to->ethernet_length > GW_ETHERNET_LENGTH) {
    if (c + GW_VLAN_LENGTH > end) return NULL;
    gw_store32(c, (uint32_t)(to->ethernet[1] >> 48 | to->ethernet[2] << 16));
    c += GW_VLAN_LENGTH;
  }
  if (to->ethernet_length > GW_ETHERNET_LENGTH + GW_VLAN_LENGTH) {
    if (c + GW_VLAN_LENGTH > end) return NULL;
    gw_store32(c, (uint32_t)(to->ethernet[2] >> 16));
    c += GW_VLAN_LENGTH;
  }
  gw_store16(c - 2, type);
  return c;
}

/* Replaces the link layer by that of *to, and sets *ip to what follows it. */
GW_INLINE enum gw_reason gw_nat_write_link(struct gw_packet *packet, const struct gw_work *w,
                                           const struct gw_nat_rewrite *to, uint8_t **ip) {
  uint32_t length = to->ethernet_length;
  if (length != GW_ETHERNET_LENGTH && length != GW_ETHERNET_LENGTH + GW_VLAN_LENGTH &&
      length != GW_ETHERNET_LENGTH + 2 * GW_VLAN_LENGTH)
    return GW_REASON_BAD_TABLE;
  int grow = (int)length - (int)w->l3_offset;
  if (grow != 0 && gw_packet_resize(packet, grow, 0) != 0) return GW_REASON_NO_HEADROOM;
  *ip = gw_nat_write_ethernet(gw_packet_data(packet), gw_packet_end(packet), w, to);
  return *ip ? GW_GO_ON : GW_REASON_TOO_SHORT;
}

/* Writes the packet. REQUIRES: TTL >= 2 (admit). */
GW_INLINE enum gw_reason gw_nat_write(struct gw_packet *packet, const struct gw_work *w,
                                      const struct gw_nat_rewrite *to) {
  uint8_t *ip;
  enum gw_reason reason = gw_nat_write_link(packet, w, to, &ip);
  if (reason != GW_GO_ON) return reason;
  const uint8_t *end = gw_packet_end(packet);
  if (!gw_nat_write_ip(ip, end, w, to)) return GW_REASON_TOO_SHORT;
  uint8_t *l4 = ip + (((uint32_t)w->l4_offset - w->l3_offset) & 0x3fff);
  return gw_nat_write_l4(l4, end, w, to) ? GW_GO_ON : GW_REASON_L4_TRUNCATED;
}

#endif /* GUIDEWAY_CORE_NAT_REWRITE_H_ */
