/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NAT flows that keep the client's address and port (snat = false): client -> VIP:80 becomes
 * client -> backend:6400. Nothing is to be allocated, so the port is not the place; they lie in
 * planes without an address, and are found from both sides by the client, whose address, port and
 * protocol alone are hashed:
 *
 *   from the client    the whole key, as every NAT flow (gw_nat_find)
 *   from the backend   client and protocol, and the backend's address and port (gw_nat_find_kept)
 *
 * So one client's port may have only one flow at a time to one backend's port, whatever the VIP:
 * the backend could not tell two apart either.
 * Threading: as nat_table.h. */
#ifndef GUIDEWAY_CORE_NAT_KEPT_H_
#define GUIDEWAY_CORE_NAT_KEPT_H_

#include "guideway/core/nat_table.h"
#include "guideway/core/service.h"

/* A backend's record, if it is one that is translated to. */
GW_INLINE const struct gw_backend *gw_nat_record(const struct gw_port *port, uint32_t id) {
  const struct gw_backend *record = gw_port_backend(port, id);
  return record && (record->flags & GW_BACKEND_USED) && record->is_nat ? record : NULL;
}

/* Whether `address` and `server_port` (as loaded) are those of the backend of `record`, to which
 * packets for `vip_port` go. */
GW_INLINE int gw_nat_is_server(const struct gw_backend *record, uint64_t address_lo,
                               uint64_t address_hi, uint32_t server_port, uint32_t vip_port) {
  const uint8_t *bytes = record->template_bytes;
  uint32_t port = gw_load16(bytes + GW_NAT_TEMPLATE_PORT);
  if (port == 0) port = vip_port;
  return gw_load64(bytes + GW_NAT_TEMPLATE_ADDRESS) == address_lo &&
         gw_load64(bytes + GW_NAT_TEMPLATE_ADDRESS + 8) == address_hi && port == server_port;
}

/* The entry that has the planes of such flows of a family, or null. */
GW_INLINE const struct gw_service *gw_nat_kept_planes(const struct gw_port *port, uint32_t family) {
  const struct gw_state *state = gw_port_state(port);
  uint32_t tail = gw_service_tail(0, GW_PROTO_KEPT, family);
  uint64_t hash = gw_service_hash(0, 0, tail, state->service_seed);
  uint32_t both[2] = {gw_service_first(hash, state->service_count),
                      gw_service_second(hash, state->service_count)};
  for (int i = 0; i < 2; i++) {
    const struct gw_service *entry = gw_port_service(port, both[i]);
    if (entry && entry->protocol == GW_PROTO_KEPT && entry->family == family) return entry;
  }
  return NULL;
}

/* Leaves of a key what an answer shows of it, too: what such flows are hashed by. */
GW_INLINE void gw_nat_forget_vip(struct gw_nat_key *key) {
  key->vip[0] = key->vip[1] = 0;
  key->tail &= ~(uint64_t)0xffff0000u;
}

/* Makes the query for gw_nat_find_kept() of *w, which a backend may have sent to a client: in place
 * of the VIP it has the backend. */
GW_INLINE void gw_nat_ask_kept(const struct gw_port *port, const struct gw_work *w,
                               struct gw_nat_query *query) {
  uint32_t ports = w->ports >> 16 | w->ports << 16;
  query->key.client[0] = gw_load64(w->destination);
  query->key.client[1] = gw_load64(w->destination + 2);
  query->key.tail = gw_nat_tail(ports, w->protocol, w->family);
  gw_nat_forget_vip(&query->key);
  query->hash = gw_nat_hash(&gw_port_state(port)->hash_key, &query->key);
  query->key.vip[0] = gw_load64(w->source);
  query->key.vip[1] = gw_load64(w->source + 2);
  query->key.tail = gw_nat_tail(ports, w->protocol, w->family);
}

/* Whether the flow of the entry, whose word is `word`, is the query's. */
GW_INLINE int gw_nat_kept_is(gw_port_part part, const struct gw_nat_entry *entry, uint64_t word,
                             const struct gw_nat_key *key) {
  uint64_t tail = gw_flow_load(&entry->tail);
  uint64_t but_vip_port = ~(uint64_t)0xffff0000u;
  struct gw_port room;
  if (gw_flow_load(&entry->client[0]) != key->client[0] ||
      gw_flow_load(&entry->client[1]) != key->client[1] || ((tail ^ key->tail) & but_vip_port) != 0)
    return 0;
  const struct gw_backend *record = gw_nat_record(gw_port_take(part, &room), gw_nat_backend(word));
  return record && gw_nat_is_server(record, key->vip[0], key->vip[1], gw_nat_ports(key->tail) >> 16,
                                    gw_nat_ports(tail) >> 16);
}

/* The place of the live flow between a client and a backend's port, as it seems without a second
 * look at its word, or GW_NAT_NO_PLACE. The query is as gw_nat_ask_kept() makes it, with
 * address and now_s. */
GW_SEPARATE uint32_t gw_nat_find_kept(gw_port_part part, const struct gw_nat_query *query) {
  if (!query) return GW_NAT_NO_PLACE;
#pragma GCC unroll 1
  for (uint32_t i = 0; i < 2 * GW_NAT_WAYS; i++) {
    uint32_t way = i & (GW_NAT_WAYS - 1);
    uint32_t index = gw_nat_candidate(query, i >> 3);
    struct gw_nat_bucket *bucket = gw_port_nat_bucket(gw_part_to_token(part), index);
    if (!bucket) break;
    uint64_t word = gw_word_acquire(&bucket->ways.words[way]);
    if (gw_nat_state(word) != GW_NAT_VALID || gw_nat_upper(word) != gw_hash_tag(query->hash))
      continue;
    if (gw_nat_kept_is(part, &bucket->entries[way], word, &query->key) &&
        !gw_nat_judge(&bucket->entries[way], query->now_s).is_over)
      return gw_nat_place(index, way);
  }
  return GW_NAT_NO_PLACE;
}

#endif /* GUIDEWAY_CORE_NAT_KEPT_H_ */
