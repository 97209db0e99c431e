/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reset: the answer to a packet of a flow that was marked, made from that packet in place: its
 * addresses and ports swapped, sequence numbers as a closed socket would choose them. Goes back the
 * way it came, VLAN tags included. Threading: no state. Source: RFC 9293 §3.10.7.1 (segment
 * arrives, CLOSED state). */
#ifndef GUIDEWAY_CORE_RESET_H_
#define GUIDEWAY_CORE_RESET_H_

#include "guideway/core/parse.h"
#include "guideway/core/reply.h"
#include "guideway/core/rewrite.h"
#include "guideway/core/work.h"

/* What is read of the incoming segment before its bytes are overwritten. */
struct gw_reset_numbers {
  uint32_t sequence; /* network order */
  uint32_t acknowledgement;
  uint32_t flags;
};

/* Chooses the numbers. `tcp` has at least 20 bytes. */
GW_INLINE struct gw_reset_numbers gw_reset_choose(const uint8_t *tcp, const struct gw_work *w) {
  struct gw_reset_numbers numbers = {0, 0, GW_TCP_RST};
  if (w->tcp_flags & GW_TCP_ACK) {
    numbers.sequence = gw_load32(tcp + 8);
    return numbers;
  }
  uint32_t header_length = (uint32_t)(tcp[12] >> 4) * 4;
  uint32_t segment_length = w->ip_length - ((uint32_t)w->l4_offset - w->l3_offset) - header_length;
  if (w->tcp_flags & GW_TCP_SYN) segment_length++;
  if (w->tcp_flags & GW_TCP_FIN) segment_length++;
  numbers.acknowledgement = gw_swap32(gw_swap32(gw_load32(tcp + 4)) + segment_length);
  numbers.flags = GW_TCP_RST | GW_TCP_ACK;
  return numbers;
}

/* Writes the TCP header (20 bytes at tcp) with its checksum; addresses are those of *w, swapped. */
GW_INLINE void gw_reset_write_tcp(uint8_t *tcp, const struct gw_work *w,
                                  const struct gw_reset_numbers *numbers) {
  uint32_t ports = w->ports >> 16 | w->ports << 16;
  uint32_t offset_flags = gw_swap16((uint16_t)(5u << 12 | numbers->flags));
  gw_store32(tcp, ports);
  gw_store32(tcp + 4, numbers->sequence);
  gw_store32(tcp + 8, numbers->acknowledgement);
  gw_store16(tcp + 12, (uint16_t)offset_flags);
  gw_store16(tcp + 14, 0);
  gw_store32(tcp + 16, 0);
  uint32_t sum = gw_swap16(GW_PROTO_TCP) + (uint32_t)gw_swap16(GW_TCP_LENGTH) + offset_flags;
  for (int i = 0; i < 4; i++) sum += gw_sum_words(w->source[i]) + gw_sum_words(w->destination[i]);
  sum += gw_sum_words(ports) + gw_sum_words(numbers->sequence) +
         gw_sum_words(numbers->acknowledgement);
  gw_store16(tcp + 16, (uint16_t)~gw_fold(sum));
}

/* Turns the packet into its reset. REQUIRES: TCP that parsed, not itself a RST. */
GW_INLINE enum gw_reason gw_make_reset(struct gw_packet *packet, const struct gw_work *w) {
  uint32_t l3_offset = w->l3_offset & 0x1f;
  uint32_t ip_header_length = w->family == GW_FAMILY_4 ? GW_IPV4_LENGTH : GW_IPV6_LENGTH;
  uint8_t *data = gw_packet_data(packet);
  const uint8_t *end = gw_packet_end(packet);

  const uint8_t *old_tcp = data + (w->l4_offset & 0x3fff);
  if (old_tcp + GW_TCP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
  struct gw_reset_numbers numbers = gw_reset_choose(old_tcp, w);

  int length = (int)(l3_offset + ip_header_length + GW_TCP_LENGTH);
  if (gw_packet_resize(packet, 0, length - (int)w->frame_length) != 0) return GW_REASON_NO_HEADROOM;
  data = gw_packet_data(packet);
  end = gw_packet_end(packet);
  if (data + GW_ETHERNET_LENGTH > end) return GW_REASON_TOO_SHORT;
  gw_swap_macs(data);

  uint8_t *ip = data + l3_offset;
  if (w->family == GW_FAMILY_4) {
    if (ip + GW_IPV4_LENGTH + GW_TCP_LENGTH > end) return GW_REASON_TOO_SHORT;
    gw_write_reply_ipv4(ip, w, GW_IPV4_LENGTH + GW_TCP_LENGTH, GW_PROTO_TCP);
    gw_reset_write_tcp(ip + GW_IPV4_LENGTH, w, &numbers);
  } else {
    if (ip + GW_IPV6_LENGTH + GW_TCP_LENGTH > end) return GW_REASON_TOO_SHORT;
    gw_write_reply_ipv6(ip, w, GW_TCP_LENGTH, GW_PROTO_TCP);
    gw_reset_write_tcp(ip + GW_IPV6_LENGTH, w, &numbers);
  }
  return GW_REASON_RESET_SENT;
}

#endif /* GUIDEWAY_CORE_RESET_H_ */
