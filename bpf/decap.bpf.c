/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decapsulator: ends IPIP, GRE, GUE and VXLAN on a backend host and hands the inner packet to
 * the host's stack. docs/decapsulator.md says what passes, what is dropped, and why.
 * A packet goes down this file: outer → admit → tunnel → inner → cut. Each stage moves the cursor
 * packet->c forward over what it has read, after its own check against packet->end, which is the
 * shape that the verifier follows. One level only: nothing here reads what the inner packet
 * carries, and XDP_PASS goes to the stack, not back to this program.
 * Source: RFC 2003 and RFC 2473 (IP in IP), RFC 2784 and RFC 2890 (GRE), draft-ietf-intarea-gue-09
 * (GUE), RFC 7348 (VXLAN), RFC 6040 §4.2 (ECN), RFC 1624 (checksum update). */
#include "decap.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum {
  ETHERNET_LENGTH = 14,
  ETHERTYPE_IPV4 = 0x0800,
  ETHERTYPE_IPV6 = 0x86dd,
  IPV4_LENGTH = 20,
  IPV6_LENGTH = 40,
  UDP_LENGTH = 8,
  TUNNEL_HEADER_LENGTH = 4, /* of GRE and GUE without optional fields */
  GRE_KEY_LENGTH = 4,
  VXLAN_LENGTH = 8,
  LIMIT_LENGTH = 8, /* destination options with a tunnel encapsulation limit */
};

enum {
  PROTOCOL_IPV4 = 4,
  PROTOCOL_UDP = 17,
  PROTOCOL_IPV6 = 41,
  PROTOCOL_FRAGMENT = 44,
  PROTOCOL_GRE = 47,
  PROTOCOL_DESTINATION_OPTIONS = 60,
};

enum {
  IPV4_FRAGMENT = 0x3fff, /* more fragments, or an offset */
  OPTION_ENCAPSULATION_LIMIT = 4,
  GRE_KEY = 0x2000,
  GRE_REFUSED = 0xdc07, /* checksum, routing, sequence, strict route, bit 5, version */
  VXLAN_VNI_VALID = 0x08,
  ECN_NONE = 0,
  ECN_ECT1 = 1,
  ECN_ECT0 = 2,
  ECN_CE = 3,
};

/* "Nothing against it so far." */
#define GO_ON GW_DECAP_REASON_COUNT

char gw_license[] SEC("license") = "Dual BSD/GPL";

/* Set by the loader. */
const volatile struct gw_decap_settings gw_decap_settings = {};

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1); /* set by the loader; likewise below */
  __type(key, struct gw_decap_prefix);
  __type(value, __u32);
} gw_decap_from SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct gw_decap_prefix);
  __type(value, __u32);
} gw_decap_vip SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct gw_decap_address);
  __type(value, __u32);
} gw_decap_own SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct gw_decap_counters);
} gw_decap_count SEC(".maps");

/* A packet on its way down. */
struct packet {
  __u8 *c; /* the cursor */
  const __u8 *end;
  /* From the cursor to the end of the packet, as the outer lengths say. */
  __u32 left;
  __u32 family; /* of the IP header at the cursor: 4, 6, or 0 for no IP header */
  __u32 protocol;
  __u32 port; /* outer UDP destination port; 0: not UDP, or not known */
  __u32 outer_ecn;
  enum gw_decap_reason outer_problem;
  struct gw_decap_prefix source;
  struct gw_decap_prefix destination;
};

/* Packet access is unaligned on the machines that the core supports. */
GW_INLINE __u32 load16(const void *from) { return gw_swap16(*(const __u16 *)from); }
GW_INLINE __u32 load32_raw(const void *from) { return *(const __u32 *)from; }

GW_INLINE __u32 fold(__u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

GW_INLINE void take_ipv4_address(struct gw_decap_prefix *key, const __u8 *from) {
  key->prefix_length = 32 + 32;
  key->address.family = 4;
  key->address.words[0] = load32_raw(from);
  key->address.words[1] = 0;
  key->address.words[2] = 0;
  key->address.words[3] = 0;
}

GW_INLINE void take_ipv6_address(struct gw_decap_prefix *key, const __u8 *from) {
  key->prefix_length = 32 + 128;
  key->address.family = 6;
  for (int i = 0; i < 4; i++) key->address.words[i] = load32_raw(from + 4 * i);
}

GW_INLINE __u32 own_kind(const struct gw_decap_address *address) {
  const __u32 *kind = bpf_map_lookup_elem(&gw_decap_own, address);
  return kind ? *kind : 0;
}

GW_INLINE __u32 family_of_ethertype(__u32 type) {
  return type == ETHERTYPE_IPV4 ? 4 : type == ETHERTYPE_IPV6 ? 6 : 0;
}

/* The outer IP header. What is wrong with it is only noted: the packet may be anybody's. */
GW_INLINE enum gw_decap_reason outer_ipv4(struct packet *p) {
  __u8 *c = p->c;
  if (c + IPV4_LENGTH > p->end) return GW_DECAP_NOT_TUNNEL;
  __u32 total_length = load16(c + 2);
  __u32 sum = 0;
  for (int i = 0; i < IPV4_LENGTH; i += 2) sum += load16(c + i);
  p->protocol = c[9];
  p->outer_ecn = c[1] & 3;
  p->left = total_length - IPV4_LENGTH;
  take_ipv4_address(&p->source, c + 12);
  take_ipv4_address(&p->destination, c + 16);
  if ((c[0] >> 4) != 4 || total_length < IPV4_LENGTH || total_length > (__u32)(p->end - c))
    p->outer_problem = GW_DECAP_OUTER_HEADER;
  else if (load16(c + 6) & IPV4_FRAGMENT)
    p->outer_problem = GW_DECAP_OUTER_FRAGMENT;
  else if (c[0] != 0x45)
    p->outer_problem = GW_DECAP_OUTER_OPTIONS;
  else if (fold(sum) != 0xffff)
    p->outer_problem = GW_DECAP_OUTER_HEADER;
  p->c = c + IPV4_LENGTH;
  return GO_ON;
}

/* The one extension header that a tunnel entrance adds: eight bytes of destination options, of
 * which the first is the tunnel encapsulation limit (RFC 2473 §4.1.1). */
GW_INLINE void skip_encapsulation_limit(struct packet *p) {
  __u8 *c = p->c;
  if (c + LIMIT_LENGTH > p->end || p->left < LIMIT_LENGTH) return;
  if (c[1] != 0 || c[2] != OPTION_ENCAPSULATION_LIMIT) return;
  p->protocol = c[0];
  p->left -= LIMIT_LENGTH;
  p->c = c + LIMIT_LENGTH;
}

GW_INLINE int is_ipv6_extension(__u32 protocol) {
  /* Hop-by-hop, routing, fragment, ESP, authentication, destination options, mobility. */
  return protocol == 0 || protocol == 43 || protocol == PROTOCOL_FRAGMENT || protocol == 50 ||
         protocol == 51 || protocol == PROTOCOL_DESTINATION_OPTIONS || protocol == 135;
}

GW_INLINE enum gw_decap_reason outer_ipv6(struct packet *p) {
  __u8 *c = p->c;
  if (c + IPV6_LENGTH > p->end) return GW_DECAP_NOT_TUNNEL;
  p->protocol = c[6];
  p->outer_ecn = (c[1] >> 4) & 3;
  p->left = load16(c + 4);
  take_ipv6_address(&p->source, c + 8);
  take_ipv6_address(&p->destination, c + 24);
  int is_wrong = (c[0] >> 4) != 6 || p->left > (__u32)(p->end - c) - IPV6_LENGTH;
  p->c = c + IPV6_LENGTH;
  if (p->protocol == PROTOCOL_DESTINATION_OPTIONS) skip_encapsulation_limit(p);
  if (is_wrong)
    p->outer_problem = GW_DECAP_OUTER_HEADER;
  else if (p->protocol == PROTOCOL_FRAGMENT)
    p->outer_problem = GW_DECAP_OUTER_FRAGMENT;
  else if (is_ipv6_extension(p->protocol))
    p->outer_problem = GW_DECAP_OUTER_OPTIONS;
  return GO_ON;
}

GW_INLINE enum gw_decap_reason read_outer(struct packet *p) {
  __u8 *c = p->c;
  if (c + ETHERNET_LENGTH > p->end) return GW_DECAP_NOT_TUNNEL;
  if (c[0] & 1) return GW_DECAP_NOT_TUNNEL;
  p->family = family_of_ethertype(load16(c + 12));
  p->c = c + ETHERNET_LENGTH;
  if (p->family == 4) return outer_ipv4(p);
  if (p->family == 6) return outer_ipv6(p);
  return GW_DECAP_NOT_TUNNEL;
}

/* The kind of tunnel, one of the bits of gw_decap_settings.tunnels, or 0. */
GW_INLINE __u32 tunnel_of(const struct packet *p) {
  if (p->protocol == PROTOCOL_IPV4 || p->protocol == PROTOCOL_IPV6) return GW_DECAP_IPIP;
  if (p->protocol == PROTOCOL_GRE) return GW_DECAP_GRE;
  if (p->protocol != PROTOCOL_UDP || p->port == 0) return 0;
  if (p->port == gw_decap_settings.gue_port) return GW_DECAP_GUE;
  if (p->port == gw_decap_settings.vxlan_port) return GW_DECAP_VXLAN;
  return 0;
}

/* Is this a tunnel packet, from whom we take them, for us? Sets *tunnel to its kind. */
GW_INLINE enum gw_decap_reason admit(struct packet *p, __u32 *tunnel) {
  if (p->protocol == PROTOCOL_UDP && p->outer_problem == GO_ON) {
    __u8 *c = p->c;
    if (c + UDP_LENGTH > p->end || p->left < UDP_LENGTH) return GW_DECAP_NOT_TUNNEL;
    p->port = load16(c + 2);
  }
  *tunnel = tunnel_of(p) & gw_decap_settings.tunnels;
  /* A fragment or an IPv6 extension header hides what it carries. */
  int may_be_tunnel =
      p->outer_problem != GO_ON &&
      (p->protocol == PROTOCOL_UDP || (p->family == 6 && is_ipv6_extension(p->protocol)));
  if (!*tunnel && !may_be_tunnel) return GW_DECAP_NOT_TUNNEL;
  if (!bpf_map_lookup_elem(&gw_decap_from, &p->source))
    return *tunnel ? GW_DECAP_SOURCE_NOT_ALLOWED : GW_DECAP_NOT_TUNNEL;
  if (!(own_kind(&p->destination.address) & GW_DECAP_LOCAL))
    return *tunnel ? GW_DECAP_NOT_OWN_ADDRESS : GW_DECAP_NOT_TUNNEL;
  return p->outer_problem;
}

GW_INLINE enum gw_decap_reason read_gre(struct packet *p) {
  __u8 *c = p->c;
  if (c + TUNNEL_HEADER_LENGTH > p->end || p->left < TUNNEL_HEADER_LENGTH)
    return GW_DECAP_TRUNCATED;
  __u32 flags = load16(c);
  if (flags & GRE_REFUSED) return GW_DECAP_GRE_FLAGS;
  p->family = family_of_ethertype(load16(c + 2));
  p->left -= TUNNEL_HEADER_LENGTH;
  c += TUNNEL_HEADER_LENGTH;
  if (flags & GRE_KEY) {
    if (c + GRE_KEY_LENGTH > p->end || p->left < GRE_KEY_LENGTH) return GW_DECAP_TRUNCATED;
    p->left -= GRE_KEY_LENGTH;
    c += GRE_KEY_LENGTH;
  }
  p->c = c;
  return GO_ON;
}

/* Variant 0 has a header of its own; variant 1 is the IP packet itself, whose version starts with
 * the bits 01. */
GW_INLINE enum gw_decap_reason read_gue(struct packet *p) {
  __u8 *c = p->c;
  if (c + TUNNEL_HEADER_LENGTH > p->end || p->left < TUNNEL_HEADER_LENGTH)
    return GW_DECAP_TRUNCATED;
  __u32 variant = c[0] >> 6;
  if (variant == 1) {
    p->family = c[0] >> 4;
    return p->family == 4 || p->family == 6 ? GO_ON : GW_DECAP_GUE_HEADER;
  }
  if (c[0] != 0 || load16(c + 2) != 0) return GW_DECAP_GUE_HEADER;
  p->family = c[1] == PROTOCOL_IPV4 ? 4 : c[1] == PROTOCOL_IPV6 ? 6 : 0;
  p->left -= TUNNEL_HEADER_LENGTH;
  p->c = c + TUNNEL_HEADER_LENGTH;
  return GO_ON;
}

GW_INLINE enum gw_decap_reason read_vxlan(struct packet *p) {
  __u8 *c = p->c;
  if (c + VXLAN_LENGTH + ETHERNET_LENGTH > p->end || p->left < VXLAN_LENGTH + ETHERNET_LENGTH)
    return GW_DECAP_TRUNCATED;
  if (!(c[0] & VXLAN_VNI_VALID)) return GW_DECAP_VXLAN_FLAGS;
  p->family = family_of_ethertype(load16(c + VXLAN_LENGTH + 12));
  p->left -= VXLAN_LENGTH + ETHERNET_LENGTH;
  p->c = c + VXLAN_LENGTH + ETHERNET_LENGTH;
  return GO_ON;
}

/* The UDP checksum is not verified: tunnels send zero, and the inner packet has its own. */
GW_INLINE enum gw_decap_reason read_udp(struct packet *p) {
  __u8 *c = p->c;
  if (c + UDP_LENGTH > p->end) return GW_DECAP_TRUNCATED;
  __u32 length = load16(c + 4);
  if (length < UDP_LENGTH || length > p->left) return GW_DECAP_OUTER_HEADER;
  p->left = length - UDP_LENGTH;
  p->c = c + UDP_LENGTH;
  return GO_ON;
}

/* Everything between the outer and the inner IP header. */
GW_INLINE enum gw_decap_reason read_tunnel(struct packet *p, __u32 tunnel) {
  enum gw_decap_reason reason = GO_ON;
  if (tunnel == GW_DECAP_IPIP) {
    p->family = p->protocol == PROTOCOL_IPV4 ? 4 : 6;
  } else if (tunnel == GW_DECAP_GRE) {
    reason = read_gre(p);
  } else {
    reason = read_udp(p);
    if (reason == GO_ON) reason = tunnel == GW_DECAP_GUE ? read_gue(p) : read_vxlan(p);
  }
  if (reason != GO_ON) return reason;
  return p->family ? GO_ON : GW_DECAP_INNER_PROTOCOL;
}

/* No packet that was routed to us has such a source (RFC 1122 §3.2.1.3, RFC 3927 §2.7, RFC 1112).
 */
GW_INLINE int is_martian_ipv4(__u32 address) {
  __u32 top = address >> 24;
  return top == 0 || top == 127 || top >= 224 || (address >> 16) == 0xa9fe;
}

/* Likewise: unspecified, loopback, IPv4-compatible and IPv4-mapped (all in ::/80 with 0 or ffff
 * behind it), link-local, multicast (RFC 4291 §2.5–2.7). */
GW_INLINE int is_martian_ipv6(const struct gw_decap_address *address) {
  __u32 first = gw_swap32(address->words[0]);
  if ((first >> 24) == 0xff || (first >> 22) == 0xfe80 >> 6) return 1;
  __u32 third = gw_swap32(address->words[2]);
  return first == 0 && address->words[1] == 0 && (third == 0 || third == 0xffff);
}

GW_INLINE int is_same(const struct gw_decap_address *a, const struct gw_decap_address *b) {
  return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] &&
         a->words[3] == b->words[3];
}

GW_INLINE enum gw_decap_reason check_inner_source(const struct packet *p) {
  const struct gw_decap_address *source = &p->source.address;
  int is_martian =
      p->family == 4 ? is_martian_ipv4(gw_swap32(source->words[0])) : is_martian_ipv6(source);
  if (is_martian) return GW_DECAP_INNER_SOURCE_MARTIAN;
  if (is_same(source, &p->destination.address) || own_kind(source))
    return GW_DECAP_INNER_SOURCE_OWN;
  return GO_ON;
}

/* The inner packet's ECN field after the tunnel (RFC 6040, figure 4); -1: to be dropped. */
GW_INLINE int ecn_after(__u32 outer, __u32 inner) {
  if (inner == ECN_NONE) return outer == ECN_CE ? -1 : ECN_NONE;
  if (outer == ECN_CE) return ECN_CE;
  if (outer == ECN_ECT1 && inner == ECN_ECT0) return ECN_ECT1;
  return (int)inner;
}

GW_INLINE enum gw_decap_reason inner_ipv4(struct packet *p) {
  __u8 *c = p->c;
  if (c + IPV4_LENGTH > p->end || p->left < IPV4_LENGTH) return GW_DECAP_TRUNCATED;
  if ((c[0] >> 4) != 4) return GW_DECAP_INNER_PROTOCOL;
  take_ipv4_address(&p->source, c + 12);
  take_ipv4_address(&p->destination, c + 16);
  if (!bpf_map_lookup_elem(&gw_decap_vip, &p->destination)) return GW_DECAP_INNER_NOT_VIP;
  __u32 header_length = (__u32)(c[0] & 0x0f) * 4;
  __u32 total_length = load16(c + 2);
  if (header_length < IPV4_LENGTH || total_length < header_length || total_length > p->left)
    return GW_DECAP_INNER_LENGTH;
  enum gw_decap_reason reason = check_inner_source(p);
  if (reason != GO_ON) return reason;
  int ecn = ecn_after(p->outer_ecn, c[1] & 3);
  if (ecn < 0) return GW_DECAP_INNER_ECN;
  if (ecn != (c[1] & 3)) {
    /* HC' = ~(~HC + ~m + m') over the word that holds the field; byte order does not matter. */
    __u16 *word = (__u16 *)c;
    __u16 *checksum = (__u16 *)(c + 10);
    __u32 sum = (__u16) ~*checksum + (__u32)(__u16) ~*word;
    c[1] = (__u8)((c[1] & ~3) | ecn);
    *checksum = (__u16)~fold(sum + *word);
  }
  return GW_DECAP_DECAPSULATED;
}

GW_INLINE enum gw_decap_reason inner_ipv6(struct packet *p) {
  __u8 *c = p->c;
  if (c + IPV6_LENGTH > p->end || p->left < IPV6_LENGTH) return GW_DECAP_TRUNCATED;
  if ((c[0] >> 4) != 6) return GW_DECAP_INNER_PROTOCOL;
  take_ipv6_address(&p->source, c + 8);
  take_ipv6_address(&p->destination, c + 24);
  if (!bpf_map_lookup_elem(&gw_decap_vip, &p->destination)) return GW_DECAP_INNER_NOT_VIP;
  if (load16(c + 4) + IPV6_LENGTH > p->left) return GW_DECAP_INNER_LENGTH;
  enum gw_decap_reason reason = check_inner_source(p);
  if (reason != GO_ON) return reason;
  int ecn = ecn_after(p->outer_ecn, (c[1] >> 4) & 3);
  if (ecn < 0) return GW_DECAP_INNER_ECN;
  c[1] = (__u8)((c[1] & ~0x30) | ecn << 4);
  return GW_DECAP_DECAPSULATED;
}

/* The whole way; leaves the cursor at the inner IP header, and its family in p->family. */
GW_INLINE enum gw_decap_reason read_packet(struct packet *p) {
  __u32 tunnel = 0;
  enum gw_decap_reason reason = read_outer(p);
  if (reason == GO_ON) reason = admit(p, &tunnel);
  if (reason == GO_ON) reason = read_tunnel(p, tunnel);
  if (reason != GO_ON) return reason;
  return p->family == 4 ? inner_ipv4(p) : inner_ipv6(p);
}

/* Moves the outer Ethernet header, whose destination is this device's, in front of the inner IP
 * header, and cuts off what was before it. */
GW_INLINE enum gw_decap_reason cut(struct xdp_md *context, const struct packet *p) {
  __u8 *data = (__u8 *)(long)context->data;
  const __u8 *end = (__u8 *)(long)context->data_end;
  if (data + ETHERNET_LENGTH > end) return GW_DECAP_NOT_CUT;
  __u64 destination_and_source = *(__u64 *)data;
  __u32 source = *(__u32 *)(data + 8);
  if (bpf_xdp_adjust_head(context, (int)(p->c - data) - ETHERNET_LENGTH) != 0)
    return GW_DECAP_NOT_CUT;

  data = (__u8 *)(long)context->data;
  end = (__u8 *)(long)context->data_end;
  if (data + ETHERNET_LENGTH > end) return GW_DECAP_NOT_CUT;
  *(__u64 *)data = destination_and_source;
  *(__u32 *)(data + 8) = source;
  *(__u16 *)(data + 12) = gw_swap16(p->family == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  return GW_DECAP_DECAPSULATED;
}

SEC("xdp")
int gw_decap(struct xdp_md *context) {
  struct packet packet = {
      .c = (__u8 *)(long)context->data,
      .end = (__u8 *)(long)context->data_end,
      .outer_problem = GO_ON,
  };
  enum gw_decap_reason reason = read_packet(&packet);
  if (reason == GW_DECAP_DECAPSULATED) reason = cut(context, &packet);

  __u32 zero = 0;
  struct gw_decap_counters *counters = bpf_map_lookup_elem(&gw_decap_count, &zero);
  if (counters && reason < GW_DECAP_REASON_COUNT) counters->packets[reason]++;
  return gw_decap_reason_verdict(reason) == GW_DECAP_PASS ? XDP_PASS : XDP_DROP;
}
