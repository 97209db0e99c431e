/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 1, parse: what kind of packet is it, and is its L3 well-formed?
 * Reads Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with a bounded chain of extension
 * headers, TCP, UDP, and what an ICMP message is (icmp.h). It decides nothing about services: a
 * malformed packet for somebody else is none of our business. The cursor c moves only forward, and
 * every read is preceded by its own check against `end`: the kernel's verifier follows exactly this
 * shape. Threading: no state. Source: RFC 791 §3.1, RFC 8200 §3–4, RFC 4302 §2.2, RFC 9293 §3.1,
 * RFC 768. */
#ifndef GUIDEWAY_CORE_PARSE_H_
#define GUIDEWAY_CORE_PARSE_H_

#include "guideway/core/icmp.h"
#include "guideway/core/work.h"

enum {
  GW_ETHERTYPE_IPV4 = 0x0800,
  GW_ETHERTYPE_IPV6 = 0x86dd,
  GW_ETHERTYPE_VLAN = 0x8100,
  GW_ETHERTYPE_QINQ = 0x88a8,
  GW_ETHERNET_LENGTH = 14,
  GW_VLAN_LENGTH = 4,
  GW_IPV4_LENGTH = 20,
  GW_IPV6_LENGTH = 40,
  GW_TCP_LENGTH = 20,
  GW_UDP_LENGTH = 8,
  GW_IPV4_MIN_MTU = 576, /* what every host takes, whole or in fragments */
  GW_IPV6_MIN_MTU = 1280,
  /* More than any sane sender uses (RFC 8200 §4.1 lists six), few enough for the verifier. */
  GW_MAX_IPV6_EXTENSIONS = 6,

  /* What gw_parse_common() compares with. */
  GW_COMMON_LENGTH = 54,              /* Ethernet, IPv4 without options, TCP without options */
  GW_COMMON_TYPE = 0x450008,          /* bytes 12 to 14: 08 00 (IPv4), 45 (version 4, five words) */
  GW_COMMON_FRAGMENT = 0x3f | 0xff00, /* bytes 20 and 21: more fragments, offset */
  GW_COMMON_LENGTH_6 = 74,            /* Ethernet, IPv6, TCP without options */
  GW_COMMON_TYPE_6 = 0x60dd86,        /* bytes 12 to 14: 86 dd, 6 and four bits that differ */
};

/* IPv6 next-header numbers that are extension headers (IANA registry). */
enum {
  GW_IPV6_HOP_BY_HOP = 0,
  GW_IPV6_ROUTING = 43,
  GW_IPV6_FRAGMENT = 44,
  GW_IPV6_AUTHENTICATION = 51,
  GW_IPV6_DESTINATION = 60,
};

/* A fragment of what services can have is ours to refuse; any other is the kernel's, which puts it
 * together, as it gets the same protocol whole. `protocol`: of the whole, or the next header. */
GW_INLINE enum gw_reason gw_fragment_of(uint32_t protocol) {
  return protocol == GW_PROTO_TCP || protocol == GW_PROTO_UDP ? GW_REASON_FRAGMENT
                                                              : GW_REASON_OTHER_PROTOCOL;
}

/* TCP or UDP at c, of which l4_length bytes belong to the packet. */
GW_INLINE enum gw_reason gw_parse_l4(const uint8_t *c, const uint8_t *end, uint32_t l4_length,
                                     struct gw_work *w) {
  if (w->protocol == GW_PROTO_TCP) {
    if (l4_length < GW_TCP_LENGTH || c + GW_TCP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
    uint32_t header_length = (uint32_t)(c[12] >> 4) * 4;
    w->ports = gw_load32(c);
    w->tcp_flags = c[13];
    if (header_length < GW_TCP_LENGTH || header_length > l4_length)
      w->l4_reason = GW_REASON_TCP_HEADER;
    return GW_GO_ON;
  }
  if (w->protocol == GW_PROTO_UDP) {
    if (l4_length < GW_UDP_LENGTH || c + GW_UDP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
    uint32_t udp_length = gw_swap16(gw_load16(c + 4));
    w->ports = gw_load32(c);
    if (udp_length < GW_UDP_LENGTH || udp_length > l4_length) w->l4_reason = GW_REASON_UDP_LENGTH;
    return GW_GO_ON;
  }
  if (w->protocol == (w->family == GW_FAMILY_4 ? GW_PROTO_ICMP : GW_PROTO_ICMPV6))
    return gw_parse_icmp(c, end, l4_length, w);
  return GW_REASON_OTHER_PROTOCOL;
}

GW_INLINE enum gw_reason gw_parse_ipv4(const uint8_t *c, const uint8_t *end, struct gw_work *w) {
  if (c + GW_IPV4_LENGTH > end) return GW_REASON_TOO_SHORT;
  uint32_t header_length = (uint32_t)(c[0] & 0x0f) * 4;
  uint32_t total_length = gw_swap16(gw_load16(c + 2));
  uint32_t fragment = gw_swap16(gw_load16(c + 6));
  w->family = GW_FAMILY_4;
  gw_store64(w->source, gw_load32(c + 12));
  gw_store64(w->destination, gw_load32(c + 16));
  w->ttl = c[8];
  w->protocol = c[9];
  w->traffic_class = c[1];
  w->ip_length = total_length;
  if ((c[0] >> 4) != 4 || header_length < GW_IPV4_LENGTH) return GW_REASON_IP_HEADER;
  if (total_length < header_length || w->l3_offset + total_length > w->frame_length)
    return GW_REASON_IP_LENGTH;
  if (fragment & 0x3fff) return gw_fragment_of(w->protocol); /* more fragments, or an offset */
  w->l4_offset = (uint16_t)(w->l3_offset + header_length);
  return gw_parse_l4(c + header_length, end, total_length - header_length, w);
}

/* The length of the extension header at c, or 0 for what is none. REQUIRES: 8 bytes at c. */
GW_INLINE uint32_t gw_ipv6_extension_length(uint32_t kind, const uint8_t *c) {
  switch (kind) {
    case GW_IPV6_HOP_BY_HOP:
    case GW_IPV6_ROUTING:
    case GW_IPV6_DESTINATION:
      return ((uint32_t)c[1] + 1) * 8;
    case GW_IPV6_AUTHENTICATION:
      return ((uint32_t)c[1] + 2) * 4;
    case GW_IPV6_FRAGMENT:
      return 8;
    default:
      return 0;
  }
}

GW_INLINE int gw_ipv6_is_extension(uint32_t kind) {
  return kind == GW_IPV6_HOP_BY_HOP || kind == GW_IPV6_ROUTING || kind == GW_IPV6_FRAGMENT ||
         kind == GW_IPV6_AUTHENTICATION || kind == GW_IPV6_DESTINATION;
}

GW_INLINE enum gw_reason gw_parse_ipv6(const uint8_t *c, const uint8_t *end, struct gw_work *w) {
  if (c + GW_IPV6_LENGTH > end) return GW_REASON_TOO_SHORT;
  uint32_t left = gw_swap16(gw_load16(c + 4));
  uint32_t kind = c[6];
  w->family = GW_FAMILY_6;
  gw_store64(w->source, gw_load64(c + 8));
  gw_store64(w->source + 2, gw_load64(c + 16));
  gw_store64(w->destination, gw_load64(c + 24));
  gw_store64(w->destination + 2, gw_load64(c + 32));
  w->ttl = c[7];
  w->traffic_class = (uint8_t)(gw_swap16(gw_load16(c)) >> 4);
  w->ip_length = GW_IPV6_LENGTH + left;
  if ((c[0] >> 4) != 6) return GW_REASON_IP_HEADER;
  if (w->l3_offset + w->ip_length > w->frame_length) return GW_REASON_IP_LENGTH;
  c += GW_IPV6_LENGTH;
  w->l4_offset = (uint16_t)(w->l3_offset + GW_IPV6_LENGTH);
  for (int i = 0; i < GW_MAX_IPV6_EXTENSIONS && gw_ipv6_is_extension(kind); i++) {
    if (left < 8 || c + 8 > end) return GW_REASON_IPV6_EXTENSIONS;
    uint32_t length = gw_ipv6_extension_length(kind, c);
    if (length > left) return GW_REASON_IPV6_EXTENSIONS;
    /* A fragment header with offset 0 and no more to come is a whole packet (RFC 6946). */
    if (kind == GW_IPV6_FRAGMENT && (gw_swap16(gw_load16(c + 2)) & 0xfff9))
      return gw_ipv6_is_extension(c[0]) ? GW_REASON_FRAGMENT : gw_fragment_of(c[0]);
    kind = c[0];
    left -= length;
    c += length;
    w->l4_offset = (uint16_t)(w->l4_offset + length);
  }
  if (gw_ipv6_is_extension(kind)) return GW_REASON_IPV6_EXTENSIONS;
  w->protocol = (uint8_t)kind;
  return gw_parse_l4(c, end, left, w);
}

/* The eight bytes of struct gw_work from l3_offset, in one store: offsets, family, no complaint
 * about L4, no backend yet. */
#define GW_PLACES(l3, l4, family)                                                                \
  ((uint64_t)(l3) | (uint64_t)(l4) << 16 | (uint64_t)(family) << 32 | (uint64_t)GW_GO_ON << 40 | \
   (uint64_t)GW_NO_BACKEND << 48)
#define GW_COMMON_PLACES \
  GW_PLACES(GW_ETHERNET_LENGTH, GW_ETHERNET_LENGTH + GW_IPV4_LENGTH, GW_FAMILY_4)
#define GW_COMMON_PLACES_6 \
  GW_PLACES(GW_ETHERNET_LENGTH, GW_ETHERNET_LENGTH + GW_IPV6_LENGTH, GW_FAMILY_6)

/* The packet that nearly all are: no VLAN tag, IPv4 without options, not a fragment, a whole header
 * of TCP or UDP. One check against `end`, and three words hold all that is asked. Fills the parse
 * part of *w as gw_parse_any() would and returns 1; or returns 0 and leaves everything to that.
 * (Of the program's instructions for a known flow it saves 38 of 531.) */
GW_INLINE int gw_parse_common(const uint8_t *data, const uint8_t *end, struct gw_work *w) {
  if (gw_is_shorter(data, end, GW_COMMON_LENGTH)) return 0;
  uint32_t type = gw_load32(data + 12);   /* EtherType, version and header length, DSCP */
  uint64_t middle = gw_load64(data + 16); /* total length, id, fragment, TTL, protocol */
  uint32_t fragment = (uint32_t)(middle >> 32);
  if ((type & 0xffffff) != GW_COMMON_TYPE || (fragment & GW_COMMON_FRAGMENT) != 0 || (data[0] & 1))
    return 0;
  uint32_t total_length = gw_swap16((uint16_t)middle);
  uint32_t frame_length = (uint32_t)(end - data);
  uint32_t protocol = fragment >> 24;
  uint32_t tcp_flags = 0;
  uint32_t l4_length; /* that the header claims */
  if (GW_ETHERNET_LENGTH + total_length > frame_length) return 0;
  if (protocol == GW_PROTO_TCP) {
    uint32_t offset_flags = gw_load16(data + 46);
    l4_length = (offset_flags & 0xf0) >> 2;
    tcp_flags = offset_flags >> 8;
    if (l4_length < GW_TCP_LENGTH) return 0;
  } else if (protocol == GW_PROTO_UDP) {
    l4_length = gw_swap16(gw_load16(data + 38));
    if (l4_length < GW_UDP_LENGTH) return 0;
  } else {
    return 0;
  }
  if (GW_IPV4_LENGTH + l4_length > total_length) return 0;

  gw_store64(w->source, gw_load32(data + 26));
  gw_store64(w->source + 2, 0);
  gw_store64(w->destination, gw_load32(data + 30));
  gw_store64(w->destination + 2, 0);
  w->ports = gw_load32(data + 34);
  w->frame_length = frame_length;
  w->ip_length = total_length;
  gw_store64((uint8_t *)w + offsetof(struct gw_work, l3_offset), GW_COMMON_PLACES);
  /* ttl and protocol, traffic_class, tcp_flags */
  gw_store32((uint8_t *)w + offsetof(struct gw_work, ttl),
             fragment >> 16 | (type - GW_COMMON_TYPE) >> 8 | tcp_flags << 24);
  return 1;
}

#ifdef GW_COMMON_IPV6
/* The same for IPv6 without extension headers. */
GW_INLINE int gw_parse_common_ipv6(const uint8_t *data, const uint8_t *end, struct gw_work *w) {
  if (gw_is_shorter(data, end, GW_COMMON_LENGTH_6)) return 0;
  uint32_t type = gw_load32(data + 12); /* EtherType, version, traffic class, flow label */
  uint32_t lengths = gw_load32(data + 18);
  uint32_t left = gw_swap16((uint16_t)lengths);
  uint32_t protocol = lengths >> 16 & 0xff;
  uint32_t frame_length = (uint32_t)(end - data);
  uint32_t tcp_flags = 0;
  uint32_t l4_length; /* that the header claims */
  if ((type & 0xf0ffff) != GW_COMMON_TYPE_6 || (data[0] & 1)) return 0;
  if (GW_ETHERNET_LENGTH + GW_IPV6_LENGTH + left > frame_length) return 0;
  if (protocol == GW_PROTO_TCP) {
    uint32_t offset_flags = gw_load16(data + 66);
    l4_length = (offset_flags & 0xf0) >> 2;
    tcp_flags = offset_flags >> 8;
    if (l4_length < GW_TCP_LENGTH) return 0;
  } else if (protocol == GW_PROTO_UDP) {
    l4_length = gw_swap16(gw_load16(data + 58));
    if (l4_length < GW_UDP_LENGTH) return 0;
  } else {
    return 0;
  }
  if (l4_length > left) return 0;

  gw_store64(w->source, gw_load64(data + 22));
  gw_store64(w->source + 2, gw_load64(data + 30));
  gw_store64(w->destination, gw_load64(data + 38));
  gw_store64(w->destination + 2, gw_load64(data + 46));
  w->ports = gw_load32(data + 54);
  w->frame_length = frame_length;
  w->ip_length = GW_IPV6_LENGTH + left;
  gw_store64((uint8_t *)w + offsetof(struct gw_work, l3_offset), GW_COMMON_PLACES_6);
  w->ttl = (uint8_t)(lengths >> 24);
  w->protocol = (uint8_t)protocol;
  w->traffic_class = (uint8_t)(gw_swap16((uint16_t)(type >> 16)) >> 4);
  w->tcp_flags = (uint8_t)tcp_flags;
  return 1;
}
#endif

/* gw_parse() for every packet. */
GW_INLINE enum gw_reason gw_parse_any(const uint8_t *data, const uint8_t *end, struct gw_work *w) {
  const uint8_t *c = data;
  gw_work_start(w);
  w->backend = GW_NO_BACKEND;
  w->frame_length = (uint32_t)(end - data);
  if (c + GW_ETHERNET_LENGTH > end) return GW_REASON_TOO_SHORT;
  if (c[0] & 1) return GW_REASON_NOT_UNICAST;
  uint32_t type = gw_swap16(gw_load16(c + 12));
  c += GW_ETHERNET_LENGTH;
  w->l3_offset = GW_ETHERNET_LENGTH;
  for (int i = 0; i < 2; i++) {
    if (type != GW_ETHERTYPE_VLAN && type != GW_ETHERTYPE_QINQ) break;
    if (c + GW_VLAN_LENGTH > end) return GW_REASON_TOO_SHORT;
    type = gw_swap16(gw_load16(c + 2));
    c += GW_VLAN_LENGTH;
    w->l3_offset = (uint16_t)(w->l3_offset + GW_VLAN_LENGTH);
  }
  if (type == GW_ETHERTYPE_IPV4) return gw_parse_ipv4(c, end, w);
  if (type == GW_ETHERTYPE_IPV6) return gw_parse_ipv6(c, end, w);
  return GW_REASON_NOT_IP;
}

/* Fills the parse part of *w and returns GW_GO_ON, or why the packet cannot be a flow's.
 * A reason of verdict GW_DROP means "malformed": it counts only if the destination is a VIP. */
GW_INLINE enum gw_reason gw_parse(const uint8_t *data, const uint8_t *end, struct gw_work *w) {
  /* Not "likely": g++ makes what is unlikely small, not fast, and IPv6 is no exception (138 cycles
   * a packet of a burst with it, 113 without). */
  if (gw_parse_common(data, end, w)) return GW_GO_ON;
#ifdef GW_COMMON_IPV6
  if (gw_parse_common_ipv6(data, end, w)) return GW_GO_ON;
#endif
  return gw_parse_any(data, end, w);
}

#endif /* GUIDEWAY_CORE_PARSE_H_ */
