/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors of our own, to the client of a service: its packet's TTL ran out here, or the packet
 * is larger than the path to its backend takes. Made of that packet: new headers in front of it,
 * and its end cut off. From the VIP, since a client that the director's other addresses do not
 * reach may drop them. Threading: no state. Source: RFC 792, RFC 1812 §4.3.2 (at most 576 bytes, as
 * much of the packet as fits), RFC 1191 §4, RFC 4443 §3.2–3.3 (at most 1280 bytes). */
#ifndef GUIDEWAY_CORE_ICMP_SEND_H_
#define GUIDEWAY_CORE_ICMP_SEND_H_

#include "guideway/core/icmp.h"
#include "guideway/core/reply.h"

enum {
  /* In front of the packet: an IP header, an ICMP header. */
  GW_ICMP4_GROWTH = 28,
  GW_ICMP6_GROWTH = 48,
  GW_IPV4_DONT_FRAGMENT = 0x40, /* in the header's seventh byte */
  /* Ethernet with two tags. */
  GW_MAX_L2_LENGTH = 22,
};

/* What an error says: the first four bytes (checksum 0) and the next four, as they stand there. */
struct gw_icmp_text {
  uint32_t type_code;
  uint32_t rest;
};

GW_INLINE uint32_t gw_fold64(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return (uint32_t)sum;
}

/* The sum of the frame's bytes from `offset` to its end, folded to 32 bits. A function of its own
 * for the verifier, which would follow the loop's exits for as long as the caller goes on. */
GW_SEPARATE uint64_t gw_sum_from(gw_frame *frame, uint32_t offset) {
  struct gw_packet room;
  struct gw_packet *packet = gw_packet_again(frame, &room);
  const uint8_t *end = gw_packet_end(packet);
  const uint8_t *c = gw_packet_data(packet) + (offset & 0x7f);
  uint64_t sum = 0;
  for (int i = 0; i < GW_IPV6_MIN_MTU / 8 && c + 8 <= end; i++) {
    sum += (uint64_t)gw_load32(c) + gw_load32(c + 4);
    c += 8;
  }
  if (c + 4 <= end) {
    sum += gw_load32(c);
    c += 4;
  }
  if (c + 2 <= end) {
    sum += gw_load16(c);
    c += 2;
  }
  if (c + 1 <= end) sum += c[0];
  return gw_fold64(sum);
}

/* Puts the Ethernet header (and tags) in front of what has grown by `growth` bytes, addresses
 * swapped. May write past the end of the header, up to GW_MAX_L2_LENGTH. */
GW_INLINE int gw_move_l2_back(uint8_t *data, const uint8_t *end, uint32_t growth) {
  const uint8_t *old = data + growth;
  if (old + GW_MAX_L2_LENGTH > end) return 0;
  uint64_t tags = gw_load64(old + 12);
  uint16_t type = gw_load16(old + 20);
  uint64_t first = gw_load64(old); /* destination, and the source's first two bytes */
  uint32_t last = gw_load32(old + 8);
  gw_store32(data, (uint32_t)(first >> 48) | last << 16);
  gw_store16(data + 4, (uint16_t)(last >> 16));
  gw_store32(data + 6, (uint32_t)first);
  gw_store16(data + 10, (uint16_t)(first >> 32));
  gw_store64(data + 12, tags);
  gw_store16(data + 20, type);
  return 1;
}

/* Grows the packet by `growth` in front, and cuts it to `quote` bytes of the old IP packet. */
GW_INLINE int gw_make_room(struct gw_packet *packet, const struct gw_work *w, uint32_t growth,
                           uint32_t quote) {
  int tail = (int)(w->l3_offset + quote) - (int)w->frame_length;
  if (gw_packet_resize(packet, (int)growth, tail) != 0) return 0;
  return gw_move_l2_back(gw_packet_data(packet), gw_packet_end(packet), growth);
}

GW_INLINE int gw_make_icmp4(struct gw_packet *packet, const struct gw_work *w,
                            const struct gw_icmp_text *text) {
  uint32_t most = (uint32_t)GW_IPV4_MIN_MTU - GW_ICMP4_GROWTH;
  uint32_t quote = w->ip_length < most ? w->ip_length : most;
  uint32_t l3_offset = w->l3_offset & 0x1f;
  if (!gw_make_room(packet, w, GW_ICMP4_GROWTH, quote)) return 0;
  uint64_t sum = gw_sum_from(gw_packet_frame(packet), l3_offset + GW_ICMP4_GROWTH);
  uint8_t *ip = gw_packet_data(packet) + l3_offset;
  uint8_t *icmp = ip + GW_IPV4_LENGTH;
  if (ip + GW_ICMP4_GROWTH > gw_packet_end(packet)) return 0;
  gw_write_reply_ipv4(ip, w, GW_ICMP4_GROWTH + quote, GW_PROTO_ICMP);
  sum += (uint64_t)text->type_code + text->rest;
  gw_store32(icmp, text->type_code);
  gw_store32(icmp + 4, text->rest);
  gw_store16(icmp + 2, (uint16_t)~gw_fold(gw_fold64(sum)));
  return 1;
}

GW_INLINE int gw_make_icmp6(struct gw_packet *packet, const struct gw_work *w,
                            const struct gw_icmp_text *text) {
  uint32_t most = (uint32_t)GW_IPV6_MIN_MTU - GW_ICMP6_GROWTH;
  uint32_t quote = w->ip_length < most ? w->ip_length : most;
  uint32_t l3_offset = w->l3_offset & 0x1f;
  if (!gw_make_room(packet, w, GW_ICMP6_GROWTH, quote)) return 0;
  uint64_t sum = gw_sum_from(gw_packet_frame(packet), l3_offset + GW_ICMP6_GROWTH);
  uint8_t *ip = gw_packet_data(packet) + l3_offset;
  uint8_t *icmp = ip + GW_IPV6_LENGTH;
  if (ip + GW_ICMP6_GROWTH > gw_packet_end(packet)) return 0;
  gw_write_reply_ipv6(ip, w, GW_ICMP_LENGTH + quote, GW_PROTO_ICMPV6);
  sum += (uint64_t)text->type_code + text->rest;
  sum += (uint64_t)gw_swap16((uint16_t)(GW_ICMP_LENGTH + quote)) + gw_swap16(GW_PROTO_ICMPV6);
  for (int i = 0; i < 4; i++) sum += (uint64_t)w->source[i] + w->destination[i];
  gw_store32(icmp, text->type_code);
  gw_store32(icmp + 4, text->rest);
  gw_store16(icmp + 2, (uint16_t)~gw_fold(gw_fold64(sum)));
  return 1;
}

/* Whether the packet may be answered by an ICMP error now; counts that as one through the gate. */
GW_COLD int gw_may_send_icmp_error(const struct gw_port *port, const struct gw_packet *packet,
                                   const struct gw_work *w, enum gw_gate gate, uint32_t now_s) {
  const uint8_t *data = gw_packet_data(packet);
  if (data + GW_ETHERNET_LENGTH > gw_packet_end(packet)) return 0;
  return gw_may_answer(data, w) && gw_gate_open(port, gate, now_s);
}

/* Turns a packet of a service into the ICMP error about it. Returns 0, and leaves it as it was, if
 * there is no room. */
GW_COLD int gw_make_icmp_error(struct gw_packet *packet, const struct gw_work *w,
                               const struct gw_icmp_text *text) {
  return w->family == GW_FAMILY_4 ? gw_make_icmp4(packet, w, text) : gw_make_icmp6(packet, w, text);
}

/* TTL or hop limit ran out. */
GW_INLINE enum gw_reason gw_send_time_exceeded(const struct gw_port *port, struct gw_packet *packet,
                                               const struct gw_work *w, uint32_t now_s) {
  struct gw_icmp_text text = {
      w->family == GW_FAMILY_4 ? GW_ICMP_TIME_EXCEEDED : GW_ICMPV6_TIME_EXCEEDED, 0};
  if (!gw_may_send_icmp_error(port, packet, w, GW_GATE_TIME_EXCEEDED, now_s) ||
      !gw_make_icmp_error(packet, w, &text))
    return GW_REASON_TTL_EXPIRED;
  return GW_REASON_TIME_EXCEEDED_SENT;
}

/* The packet, and what its backend's record puts around it, are larger than the path: says what
 * fits. Not so if the packet may be fragmented: then nothing is wrong with it. */
GW_INLINE enum gw_reason gw_send_too_big(const struct gw_port *port, struct gw_packet *packet,
                                         const struct gw_work *w, uint32_t now_s) {
  const struct gw_backend *record = gw_port_backend(port, w->backend);
  const uint8_t *ip = gw_packet_data(packet) + (w->l3_offset & 0x1f);
  if (!record || ip + GW_IPV4_LENGTH > gw_packet_end(packet)) return GW_REASON_MTU_EXCEEDED;
  uint32_t outer_length = record->outer_length;
  uint32_t fits = record->mtu > outer_length ? record->mtu - outer_length : 0;
  struct gw_icmp_text text = {GW_ICMPV6_TOO_BIG, 0};
  if (w->family == GW_FAMILY_4) {
    if (!(ip[6] & GW_IPV4_DONT_FRAGMENT)) return GW_REASON_MTU_EXCEEDED;
    text.type_code = GW_ICMP_UNREACHABLE | GW_ICMP_FRAGMENTATION_NEEDED << 8;
  } else if (fits < GW_IPV6_MIN_MTU) {
    fits = GW_IPV6_MIN_MTU; /* no sender goes below */
    if (w->ip_length <= fits) return GW_REASON_MTU_EXCEEDED;
  }
  text.rest = gw_swap32(fits);
  if (!gw_may_send_icmp_error(port, packet, w, GW_GATE_TOO_BIG, now_s) ||
      !gw_make_icmp_error(packet, w, &text))
    return GW_REASON_MTU_EXCEEDED;
  return GW_REASON_TOO_BIG_SENT;
}

#endif /* GUIDEWAY_CORE_ICMP_SEND_H_ */
