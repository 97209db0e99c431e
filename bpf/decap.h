/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the decapsulator's program (decap.bpf.c) and guideway-decap (src/decap) share: map layouts,
 * the program's read-only settings, and the list of what becomes of a packet.
 * Two rules: as long as a packet could be somebody else's, it passes to the host's stack untouched;
 * one that came by an allowed tunnel for a VIP is handed over without its outer headers, or
 * dropped. Threading: constants and layouts. */
#ifndef GUIDEWAY_BPF_DECAP_H_
#define GUIDEWAY_BPF_DECAP_H_

#include "guideway/core/types.h"

/* clang-format off */
#define GW_DECAP_REASONS(X)                                                                        \
  X(DECAPSULATED,     PASS, "decapsulated",     "the inner packet was handed to the stack")        \
  X(NOT_TUNNEL,       PASS, "not_tunnel",       "not an IPIP, GRE, GUE or VXLAN packet, or of a kind that is switched off") \
  X(SOURCE_NOT_ALLOWED, PASS, "source_not_allowed", "a tunnel packet whose outer source is not in --from") \
  X(NOT_OWN_ADDRESS,  PASS, "not_own_address",  "a tunnel packet whose outer destination is not the device's own") \
  X(OUTER_FRAGMENT,   PASS, "outer_fragment",   "a fragment of what may be a tunnel packet")       \
  X(OUTER_OPTIONS,    PASS, "outer_options",    "outer IPv4 options, or IPv6 extension headers other than the tunnel encapsulation limit") \
  X(OUTER_HEADER,     PASS, "outer_header",     "outer version, length or IPv4 checksum is wrong") \
  X(TRUNCATED,        PASS, "truncated",        "ends inside the tunnel header or the inner IP header") \
  X(GRE_FLAGS,        PASS, "gre_flags",        "GRE with checksum, routing, sequence number or a version other than 0") \
  X(GUE_HEADER,       PASS, "gue_header",       "GUE control message, flags, optional fields, or an unknown variant") \
  X(VXLAN_FLAGS,      PASS, "vxlan_flags",      "VXLAN without a valid network identifier")        \
  X(INNER_PROTOCOL,   PASS, "inner_protocol",   "what is inside is not the IPv4 or IPv6 packet that the tunnel header promises") \
  X(INNER_NOT_VIP,    PASS, "inner_not_vip",    "the inner destination is not in --vip")           \
  X(INNER_LENGTH,     DROP, "inner_length",     "for a VIP: inner header length or total length does not fit into the tunnel packet") \
  X(INNER_SOURCE_MARTIAN, DROP, "inner_source_martian", "for a VIP: inner source is loopback, multicast, broadcast, link-local, unspecified or reserved") \
  X(INNER_SOURCE_OWN, DROP, "inner_source_own", "for a VIP: inner source is an address of this host, or the VIP itself") \
  X(INNER_ECN,        DROP, "inner_ecn",        "for a VIP: congestion was marked outside on a packet whose sender knows no ECN") \
  X(NOT_CUT,          DROP, "not_cut",          "for a VIP: the kernel refused to cut the outer headers off; please report")
/* clang-format on */

enum gw_decap_verdict { GW_DECAP_PASS = 0, GW_DECAP_DROP };

enum gw_decap_reason {
#define GW_DECAP_ENUM(id, verdict, name, help) GW_DECAP_##id,
  GW_DECAP_REASONS(GW_DECAP_ENUM)
#undef GW_DECAP_ENUM
      GW_DECAP_REASON_COUNT
};

GW_INLINE enum gw_decap_verdict gw_decap_reason_verdict(enum gw_decap_reason reason) {
  switch (reason) {
#define GW_DECAP_CASE(id, verdict, name, help) \
  case GW_DECAP_##id:                          \
    return GW_DECAP_##verdict;
    GW_DECAP_REASONS(GW_DECAP_CASE)
#undef GW_DECAP_CASE
    case GW_DECAP_REASON_COUNT:
      break;
  }
  return GW_DECAP_DROP;
}

/* Kinds of tunnels, as bits of gw_decap_settings.tunnels. */
enum {
  GW_DECAP_IPIP = 1,
  GW_DECAP_GRE = 2,
  GW_DECAP_GUE = 4,
  GW_DECAP_VXLAN = 8,
  GW_DECAP_EVERY_TUNNEL = 15,
};

/* The program's read-only data: constants to the verifier. */
struct gw_decap_settings {
  uint32_t tunnels;
  uint16_t gue_port; /* host byte order, as the next */
  uint16_t vxlan_port;
};

/* Key of gw_decap_own. IPv4 uses words[0], the rest are 0. */
struct gw_decap_address {
  uint32_t family; /* 4 or 6 */
  gw_be32 words[4];
};

/* Key of gw_decap_from and gw_decap_vip: the family is the first 32 bits of what is matched, so
 * prefix_length is 32 more than the prefix's own. */
struct gw_decap_prefix {
  uint32_t prefix_length;
  struct gw_decap_address address;
};

/* Values of gw_decap_own, bits. */
enum {
  GW_DECAP_HOST = 1,  /* an address of this host: never an inner source */
  GW_DECAP_LOCAL = 2, /* an outer destination */
};

/* Value of gw_decap_count, one a CPU. */
struct gw_decap_counters {
  uint64_t packets[GW_DECAP_REASON_COUNT];
};

GW_STATIC_ASSERT(sizeof(struct gw_decap_settings) == 8, "shared with user space");
GW_STATIC_ASSERT(offsetof(struct gw_decap_settings, vxlan_port) == 6, "shared with user space");
GW_STATIC_ASSERT(sizeof(struct gw_decap_address) == 20, "shared with user space");
GW_STATIC_ASSERT(sizeof(struct gw_decap_prefix) == 24, "shared with user space");
GW_STATIC_ASSERT(offsetof(struct gw_decap_prefix, address) == 4, "the kernel reads the length");
GW_STATIC_ASSERT(sizeof(struct gw_decap_counters) == 8 * GW_DECAP_REASON_COUNT, "no padding");

#endif /* GUIDEWAY_BPF_DECAP_H_ */
