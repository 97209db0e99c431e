/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* gw_balance() for a burst of packets: the same stages, with the memory that a later stage needs
 * prefetched by an earlier one. An uncached line costs 205–470 cycles alone and 35–38 with a dozen
 * in flight, so at a million flows this is 2.8 times faster than one packet after another
 * (prototype; our own figures are in docs/benchmarks/).
 *
 *   for all: prefetch the headers and the room in front of them
 *   for all: classify, prefetch the first bucket
 *   for all: match tags; prefetch the record and the counters of the match, or the second bucket
 *     and the slot
 *   for those without a match: prefetch the record and the counters of the slot
 *   for all: forward and account, in order
 *
 * The other shards' buckets, which a stranger's ACK makes us read, are not prefetched: those loads
 * do not wait for each other anyway (8 shards of 4 MiB, a flood of ACKs: 2859 cycles a packet
 * without, 2799 with 8 lines ahead, 2848 with all).
 *
 * Only the last pass writes, and it reads every word again, so the result is the same as from
 * gw_balance() packet by packet, also when packets of one flow stand in one burst (a test says so).
 * User space only: the XDP program has one packet at a time.
 * Threading: as gw_balance(). */
#ifndef GUIDEWAY_CORE_BALANCE_BURST_H_
#define GUIDEWAY_CORE_BALANCE_BURST_H_

#include "guideway/core/balance.h"

/* At least 32 lines in flight; 64 works of 152 bytes still fit L1 beside the burst's headers. */
#define GW_BURST_MAX 64u

GW_INLINE void gw_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
GW_INLINE void gw_prefetch_for_write(const void *address) { __builtin_prefetch(address, 1, 3); }

/* Its headers, and the room in front of them that an outer header will be written into: the line
 * before it, since frames begin at a line, or nearly. */
GW_INLINE void gw_prefetch_frame(const struct gw_packet *packet) {
  gw_prefetch_for_write(packet->data);
  gw_prefetch_for_write(packet->data - GW_IPV4_LENGTH);
}

/* What forwarding to it reads and counts in. Returns its record, or null. */
GW_INLINE const struct gw_backend *gw_prefetch_backend(const struct gw_port *port,
                                                       uint32_t backend) {
  const struct gw_backend *record = gw_port_backend(port, backend);
  if (!record) return NULL;
  gw_prefetch(record);
  gw_prefetch((const uint8_t *)record + 64);
  gw_prefetch_for_write(
      (const void *)((uintptr_t)port->backend_traffic + backend * sizeof(struct gw_traffic)));
  return record;
}

/* Notes in w->match which ways of the first bucket have our tag, and of the first of them the
 * entry, its word and its backend's record (word 0: there is none); prefetches what will be needed.
 * Returns whether no way had the tag. */
GW_INLINE unsigned gw_look_ahead(const struct gw_port *port, struct gw_work *w) {
  uint32_t match = gw_flow_match(w->buckets[0], gw_hash_tag(w->hash));
  w->match = (uint16_t)match;
  if (match) {
    size_t way = gw_lowest_bit(match);
    uint64_t word = gw_flow_load(&w->buckets[0]->words[way]);
    w->entry = &w->buckets[0]->words[way];
    w->record = gw_prefetch_backend(port, gw_flow_backend(word));
    w->word = w->record ? word : 0;
    return 0;
  }
  w->word = 0;
  gw_locate_second(port, w);
  gw_prefetch_for_write(w->buckets[1]);
  const struct gw_pool *pool = gw_port_pool(port, w->service->pool);
  if (pool && pool->slot_count)
    gw_prefetch(&port->slots[pool->slot_base + gw_hash_slot(w->hash, pool->slot_count)]);
  return 1;
}

/* Whether the entry that was seen ahead still is as it was, and its flow current
 * (gw_flow_current()): if the record is used, gw_find_flow() would find just that. No NAT service's
 * packet has such an entry, since the backend belongs to the service's pool, and those of NAT are
 * no flow table's. `expected`: the low 16 bits of such an entry. REQUIRES: gw_look_ahead(). */
GW_INLINE int gw_is_as_seen(const struct gw_work *w, uint32_t expected) {
  return (uint16_t)w->word == expected && gw_flow_load(w->entry) == w->word &&
         !(w->tcp_flags & (GW_TCP_FIN | GW_TCP_SYN | GW_TCP_RST)) &&
         w->record->pool == w->service->pool;
}

/* What a burst adds to the worker's counters at its end. */
struct gw_burst_sums {
  uint64_t refused;   /* GW_EVENT_FLOW_HIT of packets that could not be rewritten */
  uint64_t forwarded; /* packets_in and GW_REASON_FORWARDED */
  uint64_t bytes;     /* bytes_in */
};

GW_INLINE void gw_add_sums(struct gw_counters *counters, const struct gw_burst_sums *sums) {
  gw_counter_add(&counters->events[GW_EVENT_FLOW_HIT], sums->forwarded + sums->refused);
  gw_counter_add(&counters->packets_in, sums->forwarded);
  gw_counter_add(&counters->bytes_in, sums->bytes);
  gw_counter_add(&counters->reasons[GW_REASON_FORWARDED], sums->forwarded);
}

/* gw_account() of a packet that gw_is_as_seen() and was rewritten. */
GW_INLINE void gw_account_as_seen(const struct gw_port *port, const struct gw_work *w,
                                  struct gw_burst_sums *sums, struct gw_outcome *outcome) {
  uint32_t backend = gw_flow_backend(w->word);
  uint32_t service = w->service->id;
  uint32_t length = w->frame_length;
  struct gw_outcome forwarded = {GW_FORWARD,        GW_REASON_FORWARDED, w->record->interface_index,
                                 (uint16_t)backend, (uint16_t)service,   length};
  sums->forwarded++;
  sums->bytes += length;
  if (GW_LIKELY(backend < port->backend_traffic_count)) {
    gw_counter_add(&port->backend_traffic[backend].packets, 1);
    gw_counter_add(&port->backend_traffic[backend].bytes, length);
  }
  if (GW_LIKELY(service < port->service_traffic_count)) {
    gw_counter_add(&port->service_traffic[service].packets, 1);
    gw_counter_add(&port->service_traffic[service].bytes, length);
  }
  *outcome = forwarded;
}

/* The second half of a packet for NAT, which has nothing to look ahead for. */
GW_APART struct gw_outcome gw_conclude_apart(const struct gw_port *port, struct gw_packet *packet,
                                             struct gw_work *w, uint32_t now_s) {
  return gw_conclude(port, packet, w, GW_GO_ON, now_s);
}

/* The second half of a packet of which classifying, or gw_look_ahead(), has found more to do than
 * to send it on. */
GW_INLINE struct gw_outcome gw_conclude_burst(const struct gw_port *port, struct gw_packet *packet,
                                              struct gw_work *w, uint32_t now_s) {
  enum gw_reason reason = (enum gw_reason)w->reason;
  if (GW_UNLIKELY(reason == GW_GO_ON && gw_is_for_nat(w)))
    return gw_conclude_apart(port, packet, w, now_s);
  if (GW_LIKELY(reason == GW_GO_ON)) reason = gw_forward(port, packet, w, 1, now_s);
  if (GW_UNLIKELY(gw_may_respond(port, reason))) return gw_respond(port, packet, w, reason, now_s);
  return gw_account(port, w, reason);
}

/* REQUIRES: count <= GW_BURST_MAX. */
static inline void gw_balance_burst(const struct gw_port *port, struct gw_packet *packets,
                                    struct gw_outcome *outcomes, unsigned count, uint32_t now_s) {
  struct gw_work works[GW_BURST_MAX];
  /* A copy that no store can change: the compiler need not load the original's fields anew for
   * every packet. */
  const struct gw_port here = *port;
  for (unsigned i = 0; i < count; i++) gw_prefetch_frame(&packets[i]);
  const struct gw_service *likely = NULL; /* that of the packet before */
  for (unsigned i = 0; i < count; i++) {
    struct gw_work *w = &works[i];
    w->reason = (uint8_t)gw_classify_after(&here, &packets[i], w, likely);
    if (GW_LIKELY(w->reason == GW_GO_ON)) {
      likely = w->service;
      gw_prefetch_for_write(w->buckets[0]);
    } else {
      w->word = 0;
    }
  }
  unsigned strangers = 0;
  for (unsigned i = 0; i < count; i++) {
    if (GW_LIKELY(works[i].reason == GW_GO_ON)) strangers += gw_look_ahead(&here, &works[i]);
  }
  for (unsigned i = 0; i < count && strangers != 0; i++) {
    if (works[i].reason != GW_GO_ON || works[i].match != 0) continue;
    works[i].slot = gw_slot_backend(&here, works[i].service->pool, works[i].hash);
    gw_prefetch_backend(&here, works[i].slot);
    strangers--;
  }
  struct gw_burst_sums sums = {0, 0, 0};
  uint32_t expected = gw_flow_current_bits(now_s);
  for (unsigned i = 0; i < count; i++) {
    struct gw_work *w = &works[i];
    if (GW_LIKELY(gw_is_as_seen(w, expected) &&
                  (gw_is_ipip(w) || (w->record->flags & GW_BACKEND_USED)))) {
      enum gw_reason reason = gw_rewrite(&packets[i], w);
      if (GW_LIKELY(reason == GW_GO_ON)) {
        gw_account_as_seen(&here, w, &sums, &outcomes[i]);
        continue;
      }
      sums.refused++;
      w->backend = (uint16_t)gw_flow_backend(w->word);
      outcomes[i] = gw_may_respond(port, reason) ? gw_respond(port, &packets[i], w, reason, now_s)
                                                 : gw_account(port, w, reason);
      continue;
    }
    outcomes[i] = gw_conclude_burst(port, &packets[i], w, now_s);
  }
  gw_add_sums(port->counters, &sums);
}

#endif /* GUIDEWAY_CORE_BALANCE_BURST_H_ */
