/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP for VIPs, and the part of it in parsing: which messages are the core's, and which the
 * host's.
 *
 * The core's are echo requests, and errors, which are about a packet that a service's backend has
 * sent. Everything else (neighbour discovery, above all) is for the host. Parsing says of the
 * core's by which reason such a packet is dropped unless respond.h finds something better to do
 * with it: GW_REASON_ICMP_LIMITED  an echo request          GW_REASON_ICMP_ERROR  an error
 *
 * Threading: no state. Source: RFC 792, RFC 4443 §2.1 (an ICMPv6 type below 128 is an error). */
#ifndef GUIDEWAY_CORE_ICMP_H_
#define GUIDEWAY_CORE_ICMP_H_

#include "guideway/core/work.h"

enum {
  GW_ICMP_LENGTH = 8, /* type, code, checksum, and a word that the type says the meaning of */

  GW_ICMP_ECHO_REPLY = 0,
  GW_ICMP_UNREACHABLE = 3,
  GW_ICMP_SOURCE_QUENCH = 4,
  GW_ICMP_REDIRECT = 5,
  GW_ICMP_ECHO = 8,
  GW_ICMP_TIME_EXCEEDED = 11,
  GW_ICMP_PARAMETER_PROBLEM = 12,
  GW_ICMP_FRAGMENTATION_NEEDED = 4, /* a code of GW_ICMP_UNREACHABLE */

  GW_ICMPV6_UNREACHABLE = 1,
  GW_ICMPV6_TOO_BIG = 2,
  GW_ICMPV6_TIME_EXCEEDED = 3,
  GW_ICMPV6_PARAMETER_PROBLEM = 4,
  GW_ICMPV6_FIRST_OTHER = 128, /* the first type that is no error */
  GW_ICMPV6_ECHO = 128,
  GW_ICMPV6_ECHO_REPLY = 129,
};

GW_INLINE int gw_is_icmp_echo(uint32_t family, uint32_t type) {
  return type == (uint32_t)(family == GW_FAMILY_4 ? GW_ICMP_ECHO : GW_ICMPV6_ECHO);
}

/* Errors of all kinds, useful to a backend or not. */
GW_INLINE int gw_is_icmp_error(uint32_t family, uint32_t type) {
  if (family == GW_FAMILY_6) return type < GW_ICMPV6_FIRST_OTHER;
  return (type >= GW_ICMP_UNREACHABLE && type <= GW_ICMP_REDIRECT) ||
         type == GW_ICMP_TIME_EXCEEDED || type == GW_ICMP_PARAMETER_PROBLEM;
}

/* Whether parsing has said that of an ICMP packet. */
GW_INLINE int gw_is_icmp(enum gw_reason reason) {
  return reason == GW_REASON_ICMP_LIMITED || reason == GW_REASON_ICMP_ERROR;
}

/* ICMP at c, of which l4_length bytes belong to the packet. An echo request behind IP options or
 * extension headers is the host's, too: it knows what to do with those. */
GW_INLINE enum gw_reason gw_parse_icmp(const uint8_t *c, const uint8_t *end, uint32_t l4_length,
                                       const struct gw_work *w) {
  uint32_t plain = w->family == GW_FAMILY_4 ? 20 : 40; /* an IP header */
  if (l4_length < GW_ICMP_LENGTH || c + GW_ICMP_LENGTH > end) return GW_REASON_L4_TRUNCATED;
  if (gw_is_icmp_error(w->family, c[0])) return GW_REASON_ICMP_ERROR;
  if (gw_is_icmp_echo(w->family, c[0]) && w->l4_offset == w->l3_offset + plain)
    return GW_REASON_ICMP_LIMITED;
  return GW_REASON_OTHER_PROTOCOL;
}

#endif /* GUIDEWAY_CORE_ICMP_H_ */
