/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 2, find service: whose packet is it?
 * The service table is a cuckoo hash: a key stands in one of its two candidate entries or nowhere,
 * so a lookup reads at most two cache lines. Exact port first, then "any port", if any service has
 * that. Threading: reads immutable tables. Source: Pagh and Rodler, Cuckoo Hashing, J. Algorithms
 * 51 (2004). */
#ifndef GUIDEWAY_CORE_SERVICE_H_
#define GUIDEWAY_CORE_SERVICE_H_

#include "guideway/core/icmp.h"
#include "guideway/core/work.h"

/* The rest of a service key in one word: be16 port | protocol << 16 | family << 24, as the fields
 * stand in struct gw_service. */
GW_INLINE uint32_t gw_service_tail(gw_be16 port, uint32_t protocol, uint32_t family) {
  return port | protocol << 16 | family << 24;
}

/* Of a service key, what its two candidate entries are made of. Not secret: at most two entries are
 * read whatever a sender does. The top bits of a product depend on all bits of its factors, so it
 * is they that count. REQUIRES: seed odd.
 * Source: Dietzfelbinger et al., A Reliable Randomized Algorithm for the Closest-Pair Problem, J.
 * Algorithms 25 (1997), §2.2 (multiply, and take the top bits). */
GW_INLINE uint64_t gw_service_hash(uint64_t address_hi, uint64_t address_lo, uint32_t tail,
                                   uint64_t seed) {
  return (address_lo + tail * 0x9e3779b97f4a7c15u) * seed + address_hi * 0xd6e8feb86659fd93u;
}

/* The two entries, in a table of `count`. */
GW_INLINE uint32_t gw_service_first(uint64_t hash, uint32_t count) {
  return (uint32_t)((hash >> 32) * count >> 32);
}
GW_INLINE uint32_t gw_service_second(uint64_t hash, uint32_t count) {
  return gw_service_first(hash * 0xd6e8feb86659fd93u, count);
}

/* Whether it is the service of w's address and this tail. An entry that is not used has family 0,
 * which no packet has. */
GW_INLINE int gw_service_is(const struct gw_service *service, const struct gw_work *w,
                            uint32_t tail) {
  const uint8_t *entry = (const uint8_t *)service;
  return service->address_lo == gw_load64(w->destination) &&
         gw_load32(entry + offsetof(struct gw_service, port)) == tail &&
         service->address_hi == gw_load64(w->destination + 2);
}

/* The entry of (address of *w, protocol, port), or null. */
GW_INLINE const struct gw_service *gw_service_lookup(const struct gw_port *port,
                                                     const struct gw_work *w, uint32_t protocol,
                                                     gw_be16 service_port) {
  const struct gw_state *state = gw_port_state(port);
  uint64_t hi = gw_load64(w->destination + 2);
  uint64_t lo = gw_load64(w->destination);
  uint32_t tail = gw_service_tail(service_port, protocol, w->family);
  uint64_t hash = gw_service_hash(hi, lo, tail, state->service_seed);
  const struct gw_service *service =
      gw_port_service(port, gw_service_first(hash, state->service_count));
  if (service && gw_service_is(service, w, tail)) return service;
  service = gw_port_service(port, gw_service_second(hash, state->service_count));
  if (service && gw_service_is(service, w, tail)) return service;
  return NULL;
}

/* Whether it is the service of *w, by its port. */
GW_INLINE int gw_service_serves(const struct gw_service *service, const struct gw_work *w) {
  return gw_service_is(service, w,
                       gw_service_tail((gw_be16)(w->ports >> 16), w->protocol, w->family));
}

/* Sets w->service. `parsed` is what gw_parse() said. Returns GW_GO_ON, a reason to give the packet
 * to the kernel, or, if the destination is a VIP: `parsed` of a packet that is malformed or ICMP,
 * or that none of its services has the port. */
GW_INLINE enum gw_reason gw_find_service(const struct gw_port *port, struct gw_work *w,
                                         enum gw_reason parsed) {
  uint32_t flags;
  if (GW_LIKELY(parsed == GW_GO_ON)) {
    w->service = gw_service_lookup(port, w, w->protocol, (gw_be16)(w->ports >> 16));
    if (GW_LIKELY(w->service != NULL)) return GW_GO_ON;
    flags = gw_port_state(port)->flags;
    if (flags & GW_STATE_ANY_PORT) w->service = gw_service_lookup(port, w, w->protocol, 0);
    if (w->service) return GW_GO_ON;
    if (!(flags & GW_STATE_DROP_UNSERVED)) return GW_REASON_NO_SERVICE;
    parsed = GW_REASON_UNSERVED_PORT;
  }
  if (gw_reason_verdict(parsed) != GW_DROP) return parsed;
  flags = gw_port_state(port)->flags;
  if (!gw_service_lookup(port, w, GW_PROTO_NONE, 0))
    return gw_is_icmp(parsed) ? GW_REASON_OTHER_PROTOCOL : GW_REASON_NO_SERVICE;
  if (parsed == GW_REASON_ICMP_LIMITED && (flags & GW_STATE_ECHO_TO_KERNEL))
    return GW_REASON_OTHER_PROTOCOL;
  return parsed;
}

#endif /* GUIDEWAY_CORE_SERVICE_H_ */
