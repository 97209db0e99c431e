/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NAT: packets of services whose backends are sent to by address and port, in both directions.
 *
 *   client -> VIP:80      becomes  NAT address:port -> backend:6400
 *   backend:6400 -> NAT   becomes  VIP:80 -> client
 *
 * It takes the place of find flow, schedule and rewrite (balance.h); the flow is in the NAT table
 * (nat_table.h), which says who the client is when the backend answers. Replies leave the way the
 * client's packets came: by the interface and to the MAC address that those showed.
 *
 * Both directions are one function that is not inlined: other packets do not pay for it, and the
 * kernel's verifier walks it once, with nothing but its arguments' plain numbers; pointers in them
 * are found again.
 * Threading: as nat_table.h.
 * Source: RFC 3022 (traditional NAT). */
#ifndef GUIDEWAY_CORE_NAT_H_
#define GUIDEWAY_CORE_NAT_H_

#include "guideway/core/nat_kept.h"
#include "guideway/core/nat_rewrite.h"
#include "guideway/core/nat_table.h"
#include "guideway/core/reset.h"
#include "guideway/core/schedule.h"
#include "guideway/core/service.h"
#include "guideway/core/toa.h"

/* What translating one packet needs memory for. */
struct gw_nat_scratch {
  struct gw_nat_query query;
  struct gw_nat_query kept; /* of another flow than the packet's */
  struct gw_nat_rewrite to;
  struct gw_nat_start start;
  uint64_t path[4];
};

/* What became of it, in one word for those to whom a structure would be lost: reason,
 * gw_nat_toa_at() << 8, interface << 16, backend << 32, service << 48. */
GW_STATIC_ASSERT(GW_REASON_COUNT <= 256, "a reason has a byte");
GW_INLINE uint64_t gw_nat_result(enum gw_reason reason, uint32_t interface_index, uint32_t backend,
                                 uint32_t service) {
  return (uint64_t)reason | (uint64_t)(interface_index & 0xffff) << 16 |
         (uint64_t)(backend & 0xffff) << 32 | (uint64_t)(service & 0xffff) << 48;
}
GW_INLINE enum gw_reason gw_nat_reason(uint64_t result) {
  uint32_t reason = (uint32_t)result & 0xff;
  return reason < GW_REASON_COUNT ? (enum gw_reason)reason : GW_REASON_BAD_TABLE;
}
/* Where the IP header of a packet begins that is still to get a TOA option; 0: it is not. */
GW_INLINE uint32_t gw_nat_toa_at(uint64_t result) { return (uint32_t)(result >> 8) & 0xff; }
GW_INLINE uint64_t gw_nat_refused(enum gw_reason reason) {
  return gw_nat_result(reason, 0, GW_NO_BACKEND, 0);
}

/* --- From the client --- */

/* The way back: the packet's Ethernet header with its addresses swapped. Returns 0 if it is too
 * short, which no IP packet is. */
GW_INLINE int gw_nat_learn_path(const struct gw_packet *packet, const struct gw_work *w,
                                uint64_t path[4]) {
  const uint8_t *c = gw_packet_data(packet);
  if (c + 24 > gw_packet_end(packet)) return 0;
  uint64_t first = gw_load64(c);
  uint64_t second = gw_load64(c + 8);
  uint64_t third = gw_load64(c + 16);
  /* Six bytes each: bytes 6 to 11 come first, then 0 to 5. */
  uint64_t source = first >> 48 | (second & 0xffffffff) << 16;
  uint64_t destination = first & 0xffffffffffff;
  path[0] = source | destination << 48;
  path[1] = destination >> 16 | (second & 0xffffffff00000000u);
  path[2] = third & 0xffffffffffff;
  if (w->l3_offset == GW_ETHERNET_LENGTH) path[1] &= 0xffffffffffff;
  if (w->l3_offset == GW_ETHERNET_LENGTH) path[2] = 0;
  if (w->l3_offset == GW_ETHERNET_LENGTH + GW_VLAN_LENGTH) path[2] &= 0xffff;
  path[3] = gw_packet_interface(packet) | (uint64_t)w->l3_offset << 16;
  return 1;
}

/* The service or NAT address that *w is for, or null. */
GW_INLINE const struct gw_service *gw_nat_look_up(const struct gw_port *port,
                                                  const struct gw_work *w) {
  const struct gw_service *service =
      gw_service_lookup(port, w, w->protocol, (gw_be16)(w->ports >> 16));
  return service ? service : gw_service_lookup(port, w, w->protocol, 0);
}

/* The one that gw_find_service() has found. */
GW_INLINE const struct gw_service *gw_nat_service(const struct gw_port *port,
                                                  const struct gw_work *w) {
  return GW_POINTERS_STAY ? w->service : gw_nat_look_up(port, w);
}

/* Looks for the client's flow: in the plane that it would get a place in now, and, if it may be an
 * old one, in those of the pool's other addresses, whose number may have changed. Sets
 * query->address; after a miss it is the one for a new flow. */
GW_INLINE uint32_t gw_nat_find_of_client(gw_port_token table, const struct gw_work *w,
                                         const struct gw_service *service,
                                         struct gw_nat_query *query) {
  uint32_t count = service->nat_address_count;
  if (count > GW_NAT_POOL_ADDRESSES) count = GW_NAT_POOL_ADDRESSES;
  uint32_t turn = gw_nat_turn_of(query->hash, count);
  uint32_t chosen = service->nat_addresses[gw_opaque(turn) & (GW_NAT_POOL_ADDRESSES - 1)];
  query->address = chosen;
  uint32_t place = gw_nat_find(table, query);
  if (place != GW_NAT_NO_PLACE || count < 2 || gw_is_syn(w)) return place;
  for (uint32_t i = 0; i < GW_NAT_POOL_ADDRESSES && i < count; i++) {
    query->address = service->nat_addresses[gw_opaque(i) & (GW_NAT_POOL_ADDRESSES - 1)];
    if (query->address == chosen) continue;
    place = gw_nat_find(table, query);
    if (place != GW_NAT_NO_PLACE) return place;
  }
  query->address = chosen;
  return GW_NAT_NO_PLACE;
}

/* The id of a backend for a new flow, or GW_NO_BACKEND. */
GW_INLINE uint32_t gw_nat_schedule(const struct gw_port *port, const struct gw_work *w,
                                   const struct gw_service *service) {
  if (service->flags & GW_SERVICE_BY_TURNS) {
    uint32_t id = gw_take_turn(port, service->pool, service->flags & GW_SERVICE_BY_LOAD);
    if (gw_nat_record(port, id)) return id;
  }
  return gw_slot_backend(port, service->pool, w->hash);
}

/* enum gw_nat_seen of this packet. */
GW_INLINE uint32_t gw_nat_seen_of(const struct gw_work *w) {
  uint32_t seen = GW_NAT_SEEN;
  if (w->tcp_flags & GW_TCP_FIN) seen |= GW_NAT_SEEN_FIN;
  if (w->tcp_flags & GW_TCP_RST) seen |= GW_NAT_SEEN_RST;
  return seen;
}

/* What a found entry is to the client's packet. */
GW_INLINE enum gw_flow_use gw_nat_use(const struct gw_port *port, const struct gw_work *w,
                                      const struct gw_service *service,
                                      const struct gw_nat_entry *entry, uint64_t word,
                                      uint32_t now_s) {
  const struct gw_backend *record = gw_nat_record(port, gw_nat_backend(word));
  struct gw_nat_life life = gw_nat_judge(entry, now_s);
  if (!record || record->pool != service->pool || life.is_over) return GW_FLOW_USE_MISS;
  uint32_t client_seen = (uint32_t)(gw_flow_load(&entry->client_word) >> 32);
  int moves = (client_seen & GW_NAT_SEEN_RST) && !(record->flags & GW_BACKEND_TAKES_NEW);
  if (gw_is_syn(w) && (life.is_ending || moves)) return GW_FLOW_USE_MISS;
  if (!gw_nat_marked(word)) return GW_FLOW_USE_HIT;
  return gw_is_late_tcp(w) ? GW_FLOW_USE_RESET : GW_FLOW_USE_MISS;
}

GW_INLINE uint64_t gw_nat_settings_of(const struct gw_service *service) {
  uint64_t toa = service->flags & GW_SERVICE_TOA;
  return gw_nat_settings(service->idle_timeout_s, service->id) | toa << 32;
}

/* Whether the client's packets are still to get a TOA option, SYNs apart. */
GW_INLINE int gw_nat_gets_toa(const struct gw_nat_entry *entry) {
  return (gw_flow_load(&entry->settings) >> 32 & GW_SERVICE_TOA) != 0 &&
         !(gw_flow_load(&entry->backend_word) >> 32 & GW_NAT_NO_SYN);
}

/* Notes a client's packet in its entry, and the way it came if that may have changed. */
GW_INLINE void gw_nat_touch_client(const struct gw_packet *packet, const struct gw_work *w,
                                   const struct gw_service *service, enum gw_flow_use use,
                                   struct gw_nat_entry *entry, uint64_t path[4], uint32_t now_s) {
  uint32_t seen = gw_nat_seen_of(w);
  if (use == GW_FLOW_USE_RESET) seen |= GW_NAT_SEEN_RST;
  /* A SYN sent twice says nothing of whether its sender hears the answer. */
  int speaks =
      w->protocol != GW_PROTO_TCP || (w->tcp_flags & (GW_TCP_SYN | GW_TCP_ACK)) == GW_TCP_ACK;
  if (speaks && (gw_flow_load(&entry->backend_word) >> 32 & GW_NAT_SEEN)) seen |= GW_NAT_CONFIRMED;
  if (!gw_nat_touch(&entry->client_word, seen, now_s)) return;
  uint64_t settings = gw_nat_settings_of(service);
  if (gw_flow_load(&entry->settings) != settings) gw_flow_store(&entry->settings, settings);
  if (!gw_nat_learn_path(packet, w, path)) return;
  for (int i = 0; i < 4; i++)
    if (gw_flow_load(&entry->path[i]) != path[i]) gw_flow_store(&entry->path[i], path[i]);
}

/* Makes scratch->kept the question whether the new flow of scratch->query, which keeps the client's
 * address, could be taken by its backend for another one that this has. */
GW_SEPARATE int gw_nat_ask_for_another(gw_port_part part, struct gw_nat_scratch *scratch) {
  struct gw_port room;
  if (!scratch) return 0;
  const struct gw_backend *record =
      gw_nat_record(gw_port_take(part, &room), scratch->start.backend);
  if (!record) return 0;
  struct gw_nat_query *kept = &scratch->kept;
  uint64_t tail = scratch->query.key.tail;
  uint64_t server_port = gw_load16(record->template_bytes + GW_NAT_TEMPLATE_PORT);
  if (server_port != 0) tail = (tail & ~(uint64_t)0xffff0000u) | server_port << 16;
  kept->key.client[0] = scratch->query.key.client[0];
  kept->key.client[1] = scratch->query.key.client[1];
  kept->key.vip[0] = gw_load64(record->template_bytes + GW_NAT_TEMPLATE_ADDRESS);
  kept->key.vip[1] = gw_load64(record->template_bytes + GW_NAT_TEMPLATE_ADDRESS + 8);
  kept->key.tail = tail;
  kept->hash = scratch->query.hash;
  kept->address = scratch->query.address;
  kept->now_s = scratch->query.now_s;
  return 1;
}

GW_INLINE int gw_nat_is_ambiguous(const struct gw_port *port, struct gw_nat_scratch *scratch) {
  if (!gw_nat_ask_for_another(gw_port_give(port), scratch)) return 0;
  uint32_t place = gw_nat_find_kept(gw_port_give(port), &scratch->kept);
  return place != GW_NAT_NO_PLACE && place != scratch->query.place;
}

/* A new flow, at its own old place or at another one. Sets query->place and query->word. */
GW_INLINE enum gw_reason gw_nat_begin(const struct gw_port *port, const struct gw_packet *packet,
                                      const struct gw_work *w, const struct gw_service *service,
                                      struct gw_nat_scratch *scratch) {
  struct gw_nat_query *query = &scratch->query;
  struct gw_nat_start *start = &scratch->start;
  gw_port_token table = gw_port_to_token(port);
  start->backend = gw_nat_schedule(port, w, service);
  if (start->backend == GW_NO_BACKEND) return GW_REASON_NO_BACKEND;
  if ((service->flags & GW_SERVICE_NAT_KEEPS) && gw_nat_is_ambiguous(port, scratch))
    return GW_REASON_NAT_NO_PORT;
  start->seen = gw_nat_seen_of(w);
  start->settings = gw_nat_settings_of(service);
  if (!gw_nat_learn_path(packet, w, start->path)) return GW_REASON_TOO_SHORT;
  query->evicts = 0;
  if (query->place == GW_NAT_NO_PLACE || !gw_nat_take(table, query, query->place, start))
    query->place = gw_nat_insert(table, query, start);
  if (query->place == GW_NAT_NO_PLACE) return GW_REASON_NAT_NO_PORT;
  if (query->evicts) gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_FLOW_EVICTED], 1);
  gw_count_new_flow(port, start->backend, service->id);
  return GW_GO_ON;
}

/* The client's address and port stay. */
GW_INLINE void gw_nat_keep_source(const struct gw_work *w, struct gw_nat_rewrite *to) {
  for (int i = 0; i < 2; i++) to->source[i] = gw_load64(w->source + 2 * i);
  to->ports = (to->ports & 0xffff0000u) | (w->ports & 0xffff);
}

/* What a client's packet becomes, for `record` and the place of its flow. */
GW_INLINE enum gw_reason gw_nat_to_backend(const struct gw_port *port, const struct gw_work *w,
                                           const struct gw_backend *record, uint32_t address,
                                           uint32_t place, struct gw_nat_rewrite *to) {
  const struct gw_nat_address *nat = gw_port_nat_address(port, address);
  const uint8_t *bytes = record->template_bytes;
  if (!nat || nat->family != w->family) return GW_REASON_BAD_TABLE;
  if (!(record->flags & GW_BACKEND_RESOLVED)) return GW_REASON_NO_NEIGHBOUR;
  if (w->ip_length > record->mtu) return GW_REASON_MTU_EXCEEDED;
  for (int i = 0; i < GW_NAT_ETHERNET_WORDS; i++) to->ethernet[i] = gw_load64(bytes + 8 * i);
  to->ethernet_length = record->l2_length;
  uint32_t port_there = gw_load16(bytes + GW_NAT_TEMPLATE_PORT);
  for (int i = 0; i < 2; i++) {
    to->source[i] = nat->address[i];
    to->destination[i] = gw_load64(bytes + GW_NAT_TEMPLATE_ADDRESS + 8 * i);
  }
  if (port_there == 0) port_there = w->ports >> 16;
  to->ports = gw_swap16((uint16_t)gw_nat_port_of(address, place)) | port_there << 16;
  if (nat->is_kept) gw_nat_keep_source(w, to);
  return GW_GO_ON;
}

/* What becomes of a client's packet without an entry: GW_GO_ON, it begins a flow; else the reason.
 * TCP of no flow is answered by a reset, which tells the client at once; a reset is not. */
GW_INLINE enum gw_reason gw_nat_admit(const struct gw_packet *packet, const struct gw_work *w) {
  const uint8_t *data = gw_packet_data(packet);
  if (data + GW_ETHERNET_LENGTH > gw_packet_end(packet) || !gw_may_answer(data, w))
    return GW_REASON_BAD_SOURCE;
  if (w->protocol != GW_PROTO_TCP) return GW_GO_ON;
  if (w->tcp_flags & GW_TCP_RST) return GW_REASON_NAT_NO_FLOW;
  uint32_t others = GW_TCP_ACK | GW_TCP_FIN;
  return (w->tcp_flags & (GW_TCP_SYN | others)) == GW_TCP_SYN ? GW_GO_ON : GW_REASON_NAT_RESET;
}

GW_INLINE uint64_t gw_nat_reset_stranger(struct gw_packet *packet, const struct gw_work *w) {
  enum gw_reason reason = gw_make_reset(packet, w);
  return gw_nat_refused(reason == GW_REASON_RESET_SENT ? GW_REASON_NAT_RESET : reason);
}

/* Makes scratch->query of a client's packet, but for the address. */
GW_INLINE void gw_nat_ask(const struct gw_port *port, const struct gw_work *w,
                          const struct gw_service *service, struct gw_nat_scratch *scratch,
                          uint32_t now_s) {
  struct gw_nat_query *query = &scratch->query;
  struct gw_nat_key *hashed = &scratch->kept.key;
  gw_nat_key_of(w, &query->key);
  gw_nat_key_of(w, hashed);
  if (service->flags & GW_SERVICE_NAT_KEEPS) gw_nat_forget_vip(hashed);
  query->now_s = now_s;
  query->hash = gw_nat_hash(&gw_port_state(port)->hash_key, hashed);
}

/* gw_nat_toa_at() of a client's packet that has been translated: it gets the option until its
 * backend has sent something other than a SYN-ACK, so has taken the handshake's last packet. */
GW_INLINE uint32_t gw_nat_plan_toa(const struct gw_port *port, const struct gw_work *w,
                                   const struct gw_backend *record,
                                   const struct gw_nat_scratch *scratch) {
  uint32_t place = scratch->query.place;
  struct gw_nat_bucket *bucket = gw_port_nat_bucket(gw_port_to_token(port), place >> 3);
  if (!bucket) return 0;
  const struct gw_nat_entry *entry = &bucket->entries[place & (GW_NAT_WAYS - 1)];
  int is_open = (gw_flow_load(&entry->backend_word) >> 32 & GW_NAT_NO_SYN) != 0;
  if (is_open && !(w->tcp_flags & GW_TCP_SYN)) return 0;
  uint32_t length = w->ip_length + gw_toa_length(w->family);
  /* What no client is told to go below: if a router refused it with the option, it would for ever.
   */
  uint32_t least = w->family == GW_FAMILY_4 ? GW_IPV4_MIN_MTU : GW_IPV6_MIN_MTU;
  int spoils_it = w->ip_length <= least && length > least;
  if (!spoils_it && length <= record->mtu) return scratch->to.ethernet_length;
  gw_counter_add(&gw_port_counters(port)->events[GW_EVENT_TOA_NO_ROOM], 1);
  return 0;
}

GW_INLINE uint64_t gw_nat_from_client(const struct gw_port *port, struct gw_packet *packet,
                                      const struct gw_work *w, const struct gw_service *service,
                                      struct gw_nat_scratch *scratch, uint32_t now_s) {
  struct gw_counters *counters = gw_port_counters(port);
  gw_port_token table = gw_port_to_token(port);
  struct gw_nat_query *query = &scratch->query;
  gw_nat_ask(port, w, service, scratch, now_s);
  query->place = gw_nat_find_of_client(table, w, service, query);
  enum gw_flow_use use = GW_FLOW_USE_MISS;
  if (query->place != GW_NAT_NO_PLACE) {
    struct gw_nat_bucket *bucket = gw_port_nat_bucket(table, query->place >> 3);
    if (!bucket) return gw_nat_refused(GW_REASON_BAD_TABLE);
    struct gw_nat_entry *entry = &bucket->entries[query->place & (GW_NAT_WAYS - 1)];
    use = gw_nat_use(port, w, service, entry, query->word, query->now_s);
    if (use != GW_FLOW_USE_MISS)
      gw_nat_touch_client(packet, w, service, use, entry, scratch->path, query->now_s);
  }
  enum gw_event event = use == GW_FLOW_USE_MISS ? GW_EVENT_FLOW_MISS : GW_EVENT_FLOW_HIT;
  gw_counter_add(&counters->events[event], 1);
  if (use == GW_FLOW_USE_RESET && !(w->tcp_flags & GW_TCP_RST))
    return gw_nat_refused(gw_make_reset(packet, w));
  if (use == GW_FLOW_USE_MISS) {
    enum gw_reason reason = gw_nat_admit(packet, w);
    if (reason == GW_REASON_NAT_RESET) return gw_nat_reset_stranger(packet, w);
    if (reason == GW_GO_ON) reason = gw_nat_begin(port, packet, w, service, scratch);
    if (reason != GW_GO_ON) return gw_nat_refused(reason);
  }
  uint32_t id = gw_nat_backend(query->word);
  const struct gw_backend *record = gw_nat_record(port, id);
  if (!record) return gw_nat_refused(GW_REASON_BAD_TABLE);
  enum gw_reason reason =
      gw_nat_to_backend(port, w, record, query->address, query->place, &scratch->to);
  if (reason == GW_GO_ON) reason = gw_nat_write(packet, w, &scratch->to);
  uint64_t result = gw_nat_result(reason, record->interface_index, id, service->id);
  if (reason != GW_GO_ON || !(service->flags & GW_SERVICE_TOA)) return result;
  return result | gw_nat_plan_toa(port, w, record, scratch) << 8;
}

/* --- From the backend --- */

/* Whose answer *w is, and what it becomes. */
struct gw_nat_answer {
  struct gw_nat_entry *entry;
  uint32_t backend;
  uint32_t interface_index;
};

/* The flow at `place`, if it is one whose backend can have sent *w. */
GW_INLINE enum gw_reason gw_nat_read_answer(const struct gw_port *port, const struct gw_work *w,
                                            uint32_t place, uint32_t now_s,
                                            struct gw_nat_answer *answer,
                                            struct gw_nat_rewrite *to) {
  struct gw_nat_bucket *bucket = gw_port_nat_bucket(gw_port_to_token(port), place >> 3);
  if (!bucket) return GW_REASON_BAD_TABLE;
  uint64_t *way = &bucket->ways.words[place & (GW_NAT_WAYS - 1)];
  struct gw_nat_entry *entry = &bucket->entries[place & (GW_NAT_WAYS - 1)];
  uint64_t word = gw_word_acquire(way);
  if (gw_nat_state(word) != GW_NAT_VALID) return GW_REASON_NAT_NO_FLOW;
  uint64_t tail = gw_flow_load(&entry->tail);
  uint64_t way_back = gw_flow_load(&entry->path[3]);
  uint32_t ports = gw_nat_ports(tail); /* of the client's packets */
  for (int i = 0; i < 2; i++) {
    to->source[i] = gw_flow_load(&entry->vip[i]);
    to->destination[i] = gw_flow_load(&entry->client[i]);
  }
  for (int i = 0; i < GW_NAT_ETHERNET_WORDS; i++) to->ethernet[i] = gw_flow_load(&entry->path[i]);
  struct gw_nat_life life = gw_nat_judge(entry, now_s);
  if (gw_word_check(way) != word || life.is_over || gw_nat_protocol(tail) != w->protocol ||
      gw_nat_family(tail) != w->family)
    return GW_REASON_NAT_NO_FLOW;
  const struct gw_backend *record = gw_nat_record(port, gw_nat_backend(word));
  if (!record || !gw_nat_is_server(record, gw_load64(w->source), gw_load64(w->source + 2),
                                   w->ports & 0xffff, ports >> 16))
    return GW_REASON_NAT_NOT_ITS_BACKEND;
  to->ports = ports >> 16 | ports << 16;
  to->ethernet_length = (uint32_t)(way_back >> 16) & 0x1f;
  answer->entry = entry;
  answer->backend = gw_nat_backend(word);
  answer->interface_index = (uint32_t)way_back & 0xffff;
  return GW_GO_ON;
}

GW_INLINE enum gw_reason gw_nat_find_of_backend(const struct gw_port *port, const struct gw_work *w,
                                                const struct gw_service *service, uint32_t now_s,
                                                struct gw_nat_answer *answer,
                                                struct gw_nat_rewrite *to) {
  uint32_t nat_port = gw_swap16((uint16_t)(w->ports >> 16));
  uint32_t place = gw_nat_place_of(service->nat_addresses[0], nat_port);
  if (place == GW_NAT_NO_PLACE) return GW_REASON_NAT_NO_FLOW;
  return gw_nat_read_answer(port, w, place, now_s, answer, to);
}

GW_INLINE uint64_t gw_nat_from_backend(const struct gw_port *port, struct gw_packet *packet,
                                       const struct gw_work *w, const struct gw_service *service,
                                       struct gw_nat_rewrite *to, uint32_t now_s) {
  struct gw_nat_answer answer;
  enum gw_reason reason = gw_nat_find_of_backend(port, w, service, now_s, &answer, to);
  if (reason != GW_GO_ON) return gw_nat_refused(reason);
  uint32_t seen = gw_nat_seen_of(w);
  if (!(w->tcp_flags & GW_TCP_SYN)) seen |= GW_NAT_NO_SYN;
  gw_nat_touch(&answer.entry->backend_word, seen, now_s);
  reason = gw_nat_write(packet, w, to);
  if (reason == GW_GO_ON) reason = GW_REASON_NAT_RETURNED;
  return gw_nat_result(reason, answer.interface_index, answer.backend, 0);
}

/* Whether a packet that is to be translated has a checksum that can be. */
GW_INLINE int gw_nat_lacks_checksum(const struct gw_packet *packet, const struct gw_work *w) {
  if (w->family != GW_FAMILY_6 || w->protocol != GW_PROTO_UDP) return 0;
  const uint8_t *udp = gw_packet_data(packet) + (w->l4_offset & 0x3fff);
  if (udp + GW_UDP_LENGTH > gw_packet_end(packet)) return 0;
  return gw_load16(udp + GW_UDP_CHECKSUM) == 0;
}

/* A packet for a NAT service or a NAT address, from gw_classify() to its end; returns a
 * gw_nat_result(). */
GW_APART uint64_t gw_nat(gw_frame *frame, gw_port_token token, struct gw_work *w, uint32_t now_s) {
  struct gw_packet packet_again;
  struct gw_port port_again;
  if (!frame || !w) return gw_nat_refused(GW_REASON_BAD_TABLE);
  struct gw_packet *packet = gw_packet_again(frame, &packet_again);
  const struct gw_port *port = gw_port_again(token, &port_again);
  GW_SCRATCH(struct gw_nat_scratch, scratch);
  if (!port || !scratch) return gw_nat_refused(GW_REASON_BAD_TABLE);
  const struct gw_service *service = gw_nat_service(port, w);
  if (!service) return gw_nat_refused(GW_REASON_BAD_TABLE);
  if (gw_nat_lacks_checksum(packet, w)) return gw_nat_refused(GW_REASON_NAT_UDP_CHECKSUM);
  if (service->flags & GW_SERVICE_NAT_RETURN)
    return gw_nat_from_backend(port, packet, w, service, &scratch->to, now_s);
  if (service->nat_address_count == 0) return gw_nat_refused(GW_REASON_NAT_NO_PORT);
  return gw_nat_from_client(port, packet, w, service, scratch, now_s);
}

#endif /* GUIDEWAY_CORE_NAT_H_ */
