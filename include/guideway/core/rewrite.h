/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 6, rewrite: the bytes that leave.
 * The backend's record holds the complete new header as a template; this copies it in front of the
 * IP packet (in place of the old Ethernet header) and patches what depends on the packet: lengths,
 * DSCP and ECN, entropy, inner protocol, checksum. The kind of tunnel is in the template alone.
 * Threading: no state.
 * Source: RFC 1624 (checksum update), RFC 2003 and RFC 2473 (IP in IP), RFC 7348 (VXLAN), RFC 2784
 * (GRE), draft-ietf-intarea-gue-09 (GUE), RFC 6040 §4.1 (ECN: the ingress copies), RFC 6438 (flow
 * label as entropy), RFC 6864 §4.1 (id of atomic datagrams), RFC 6935 (zero UDP checksum of tunnels
 * over IPv6). */
#ifndef GUIDEWAY_CORE_REWRITE_H_
#define GUIDEWAY_CORE_REWRITE_H_

#include "guideway/core/parse.h"
#include "guideway/core/work.h"

enum { GW_PROTO_IPV4_IN_IP = 4, GW_PROTO_IPV6_IN_IP = 41, GW_TUNNEL_PORTS_FIRST = 0xc000 };

GW_INLINE uint16_t gw_fold(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

/* The checksum, read as a little-endian word, grows by one with end-around carry. */
GW_INLINE void gw_decrement_ipv4_ttl(uint8_t *ip) {
  uint32_t sum = (uint32_t)gw_load16(ip + 10) + 1;
  ip[8] = (uint8_t)(ip[8] - 1);
  gw_store16(ip + 10, (uint16_t)(sum + ((sum + 1) >> 16)));
}

/* Decrements TTL or hop limit. REQUIRES: TTL >= 2 (admit). */
GW_INLINE enum gw_reason gw_decrement_ttl(uint8_t *data, const uint8_t *end,
                                          const struct gw_work *w) {
  uint8_t *ip = data + (w->l3_offset & 0x1f);
  if (ip + GW_IPV4_LENGTH > end) return GW_REASON_TOO_SHORT;
  if (w->family == GW_FAMILY_6) {
    ip[7] = (uint8_t)(ip[7] - 1);
    return GW_GO_ON;
  }
  gw_decrement_ipv4_ttl(ip);
  return GW_GO_ON;
}

/* Copies `length` (even, at most GW_TEMPLATE_SIZE) bytes in at most six pieces of fixed size: a
 * loop over a length known only at run time is dear in both worlds. (Comparisons, not bit tests:
 * the verifier follows the range of what is left.) Returns 0 if it would pass `end`. */
GW_INLINE int gw_copy_template(uint8_t *to, const uint8_t *end, const uint8_t *from,
                               uint32_t length) {
  /* What `from` has left: a plain number on each way through, where Linux 6.1's verifier has lost
   * what it knew of the length. Opaque, or the compiler would leave the comparisons out. */
  uint32_t left = GW_TEMPLATE_SIZE;
  length = gw_opaque(length);
  if (length >= 64) {
    if (to + 64 > end) return 0;
#pragma GCC unroll 8
    for (int i = 0; i < 64; i += 8) gw_store64(to + i, gw_load64(from + i));
    to += 64;
    from += 64;
    length -= 64;
    left -= 64;
  }
  if (length >= 32) {
    if (to + 32 > end) return 0;
#pragma GCC unroll 4
    for (int i = 0; i < 32; i += 8) gw_store64(to + i, gw_load64(from + i));
    to += 32;
    from += 32;
    length -= 32;
    left -= 32;
  }
  if (length >= 16 && left >= 16) {
    if (to + 16 > end) return 0;
    gw_store64(to, gw_load64(from));
    gw_store64(to + 8, gw_load64(from + 8));
    to += 16;
    from += 16;
    length -= 16;
    left -= 16;
  }
  if (length >= 8 && left >= 8) {
    if (to + 8 > end) return 0;
    gw_store64(to, gw_load64(from));
    to += 8;
    from += 8;
    length -= 8;
    left -= 8;
  }
  if (length >= 4 && left >= 4) {
    if (to + 4 > end) return 0;
    gw_store32(to, gw_load32(from));
    to += 4;
    from += 4;
    length -= 4;
    left -= 4;
  }
  if (length >= 2 && left >= 2) {
    if (to + 2 > end) return 0;
    gw_store16(to, gw_load16(from));
  }
  return 1;
}

/* The outer IPv4 header at `ip`: length, DSCP and ECN, checksum. `protocol` is the inner protocol
 * to count into the checksum, 0 if the template's own stays. */
GW_INLINE void gw_patch_outer_ipv4(uint8_t *ip, const struct gw_work *w, uint32_t total_length,
                                   uint32_t checksum, uint32_t protocol) {
  uint16_t length = gw_swap16((uint16_t)total_length);
  ip[1] = w->traffic_class;
  gw_store16(ip + 2, length);
  checksum += (uint32_t)w->traffic_class << 8; /* second byte of a little-endian word */
  checksum += length;
  checksum += protocol << 8;
  gw_store16(ip + 10, (uint16_t)~gw_fold(checksum));
}

GW_INLINE void gw_patch_outer_ipv6(uint8_t *ip, const struct gw_work *w, uint32_t total_length) {
  uint32_t label = (uint32_t)(w->hash >> 8) & 0xfffff;
  gw_store32(ip, gw_swap32(6u << 28 | (uint32_t)w->traffic_class << 20 | label));
  gw_store16(ip + 4, gw_swap16((uint16_t)(total_length - GW_IPV6_LENGTH)));
}

/* Patches the outer headers, whose copy starts at `outer`. Returns 0 if they would pass `end`. */
GW_INLINE int gw_patch_outer(uint8_t *outer, const uint8_t *end, const struct gw_work *w,
                             const struct gw_backend *record) {
  uint32_t flags = record->flags;
  uint32_t total_length = record->outer_length + w->ip_length;
  uint32_t protocol = w->family == GW_FAMILY_4 ? GW_PROTO_IPV4_IN_IP : GW_PROTO_IPV6_IN_IP;
  uint32_t ip_header_length = flags & GW_BACKEND_OUTER_6 ? GW_IPV6_LENGTH : GW_IPV4_LENGTH;

  uint8_t *inner_protocol = outer + (record->inner_protocol_offset & 0x7f);
  if (inner_protocol + 2 > end) return 0;
  if (flags & GW_BACKEND_INNER_ETHERTYPE) {
    protocol = 0;
    gw_store16(inner_protocol,
               gw_swap16(w->family == GW_FAMILY_4 ? GW_ETHERTYPE_IPV4 : GW_ETHERTYPE_IPV6));
  } else {
    *inner_protocol = (uint8_t)protocol;
    if (flags & GW_BACKEND_OUTER_UDP) protocol = 0; /* it stands in the GUE header */
  }

  if (flags & GW_BACKEND_OUTER_6) {
    if (outer + GW_IPV6_LENGTH > end) return 0;
    gw_patch_outer_ipv6(outer, w, total_length);
  } else {
    if (outer + GW_IPV4_LENGTH > end) return 0;
    gw_patch_outer_ipv4(outer, w, total_length, record->outer_checksum, protocol);
  }

  if (flags & GW_BACKEND_OUTER_UDP) {
    uint8_t *udp = outer + ip_header_length;
    if (udp + GW_UDP_LENGTH > end) return 0;
    uint32_t entropy = GW_TUNNEL_PORTS_FIRST | ((uint32_t)w->hash & 0x3fff);
    gw_store16(udp, gw_swap16((uint16_t)entropy));
    gw_store16(udp + 4, gw_swap16((uint16_t)(total_length - ip_header_length)));
  }
  return 1;
}

/* The backend of an untagged IPv4 tunnel with nothing between the IP headers (ipip): the fixed
 * part of the record in one word, but for GW_BACKEND_TAKES_NEW. */
#define GW_RECORD_IPIP                                                                             \
  ((uint32_t)(GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_4 | GW_BACKEND_TAKES_NEW) | \
   (uint32_t)GW_ETHERNET_LENGTH << 8 | (uint32_t)GW_IPV4_LENGTH << 16 | 9u << 24)

/* gw_rewrite() of an untagged IPv4 packet for such a backend: each word of the header is
 * patched before it is stored. (493 instructions a packet with it, 567 without.) */
GW_INLINE enum gw_reason gw_rewrite_ipip(struct gw_packet *packet, const struct gw_work *w,
                                         const struct gw_backend *record) {
  const uint8_t *from = record->template_bytes;
  uint32_t total_length = GW_IPV4_LENGTH + w->ip_length;
  uint32_t checksum = record->outer_checksum;
  if (GW_UNLIKELY(total_length > record->mtu)) return GW_REASON_MTU_EXCEEDED;
  uint32_t kept = GW_ETHERNET_LENGTH + w->ip_length;
  if (gw_packet_wrap(packet, GW_IPV4_LENGTH, w->frame_length, kept) != 0)
    return GW_REASON_NO_HEADROOM;
  uint8_t *data = gw_packet_data(packet);
  if (GW_BEYOND(data + GW_ETHERNET_LENGTH + 2 * GW_IPV4_LENGTH, gw_packet_end(packet)))
    return GW_REASON_TOO_SHORT;
  uint64_t length = gw_swap16((uint16_t)total_length);
  uint64_t traffic_class = w->traffic_class;
  checksum += (uint32_t)traffic_class << 8;
  checksum += (uint32_t)length;
  checksum += GW_PROTO_IPV4_IN_IP << 8;
  gw_store64(data, gw_load64(from));
  gw_store64(data + 8, gw_load64(from + 8) | traffic_class << 56);
  gw_store64(data + 16, gw_load64(from + 16) | length | (uint64_t)GW_PROTO_IPV4_IN_IP << 56);
  gw_store64(data + 24, gw_load64(from + 24) | (uint16_t)~gw_fold(checksum));
  gw_store16(data + 32, gw_load16(from + 32));
  gw_decrement_ipv4_ttl(data + GW_ETHERNET_LENGTH + GW_IPV4_LENGTH);
  return GW_GO_ON;
}

#ifdef GW_COMMON_IPV6
/* The same of an untagged tunnel with an IPv6 header alone, whatever is in it. */
#define GW_RECORD_IPIP_6                                                                           \
  ((uint32_t)(GW_BACKEND_USED | GW_BACKEND_RESOLVED | GW_BACKEND_OUTER_6 | GW_BACKEND_TAKES_NEW) | \
   (uint32_t)GW_ETHERNET_LENGTH << 8 | (uint32_t)GW_IPV6_LENGTH << 16 | 6u << 24)

GW_INLINE enum gw_reason gw_rewrite_ipip_6(struct gw_packet *packet, const struct gw_work *w,
                                           const struct gw_backend *record) {
  const uint8_t *from = record->template_bytes;
  uint32_t total_length = GW_IPV6_LENGTH + w->ip_length;
  if (GW_UNLIKELY(total_length > record->mtu)) return GW_REASON_MTU_EXCEEDED;
  uint32_t kept = GW_ETHERNET_LENGTH + w->ip_length;
  if (gw_packet_wrap(packet, GW_IPV6_LENGTH, w->frame_length, kept) != 0)
    return GW_REASON_NO_HEADROOM;
  uint8_t *data = gw_packet_data(packet);
  uint8_t *inner = data + GW_ETHERNET_LENGTH + GW_IPV6_LENGTH;
  if (GW_BEYOND(inner + GW_IPV4_LENGTH, gw_packet_end(packet))) return GW_REASON_TOO_SHORT;
#pragma GCC unroll 8
  for (int i = 0; i < 48; i += 8) gw_store64(data + i, gw_load64(from + i));
  gw_store64(data + 46, gw_load64(from + 46));
  gw_patch_outer_ipv6(data + GW_ETHERNET_LENGTH, w, total_length);
  if (w->family == GW_FAMILY_4) {
    data[20] = GW_PROTO_IPV4_IN_IP;
    gw_decrement_ipv4_ttl(inner);
  } else {
    data[20] = GW_PROTO_IPV6_IN_IP;
    inner[7] = (uint8_t)(inner[7] - 1);
  }
  return GW_GO_ON;
}
#endif

/* Whether gw_rewrite_ipip() does for the packet what gw_rewrite() would. */
GW_INLINE int gw_is_ipip(const struct gw_work *w) {
  const uint8_t *kind = (const uint8_t *)w->record + offsetof(struct gw_backend, flags);
  const uint8_t *places = (const uint8_t *)w + offsetof(struct gw_work, l3_offset);
  return (gw_load32(kind) | GW_BACKEND_TAKES_NEW) == GW_RECORD_IPIP &&
         gw_load32(places) == (uint32_t)GW_COMMON_PLACES;
}

/* Writes the packet for w->record. On any reason but GW_GO_ON the packet is to be dropped. */
GW_INLINE enum gw_reason gw_rewrite(struct gw_packet *packet, struct gw_work *w) {
  const struct gw_backend *record = w->record;
  if (gw_is_ipip(w)) return gw_rewrite_ipip(packet, w, record);
#ifdef GW_COMMON_IPV6
  const uint8_t *kind = (const uint8_t *)record + offsetof(struct gw_backend, flags);
  if ((gw_load32(kind) | GW_BACKEND_TAKES_NEW) == GW_RECORD_IPIP_6 &&
      w->l3_offset == GW_ETHERNET_LENGTH)
    return gw_rewrite_ipip_6(packet, w, record);
#endif
  uint32_t l2_length = record->l2_length & 0x1f;
  uint32_t outer_length = record->outer_length;
  if (GW_UNLIKELY(!(record->flags & GW_BACKEND_RESOLVED))) return GW_REASON_NO_NEIGHBOUR;
  if (GW_UNLIKELY(outer_length + w->ip_length > record->mtu)) return GW_REASON_MTU_EXCEEDED;
  if (GW_UNLIKELY(l2_length < GW_ETHERNET_LENGTH || l2_length + outer_length > GW_TEMPLATE_SIZE))
    return GW_REASON_BAD_TABLE;

  enum gw_reason reason = gw_decrement_ttl(gw_packet_data(packet), gw_packet_end(packet), w);
  if (reason != GW_GO_ON) return reason;

  int grow = (int)(l2_length + outer_length) - (int)w->l3_offset;
  /* Ethernet's padding ends with this link: behind an outer header it would only make the frame
   * longer, perhaps too long. Without a tunnel it may still be needed. */
  int padding = (int)w->frame_length - (int)(w->l3_offset + w->ip_length);
  int cut = outer_length == 0 ? 0 : padding;
  if ((grow | cut) != 0 && gw_packet_resize(packet, grow, -cut) != 0) return GW_REASON_NO_HEADROOM;

  uint8_t *data = gw_packet_data(packet);
  const uint8_t *end = gw_packet_end(packet);
  /* Once more: where this had to be kept on the stack, Linux 6.1's verifier has forgotten it. */
  l2_length = gw_opaque(l2_length) & 0x1f;
  if (l2_length < GW_ETHERNET_LENGTH) return GW_REASON_BAD_TABLE;
  if (!gw_copy_template(data, end, record->template_bytes, l2_length + outer_length))
    return GW_REASON_BAD_TABLE;
  if (outer_length == 0) {
    uint8_t *type = data + (l2_length - 2);
    if (type + 2 > end) return GW_REASON_BAD_TABLE;
    gw_store16(type, gw_swap16(w->family == GW_FAMILY_4 ? GW_ETHERTYPE_IPV4 : GW_ETHERTYPE_IPV6));
    return GW_GO_ON;
  }
  return gw_patch_outer(data + l2_length, end, w, record) ? GW_GO_ON : GW_REASON_BAD_TABLE;
}

#endif /* GUIDEWAY_CORE_REWRITE_H_ */
